using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <content>Pushes and updates.</content>
public sealed unsafe partial class EmbeddingServer
{
    private readonly List<MessageBuffer> _appliedPushes = [];

    /// <summary>Takes the push of one trainer, and applies the step if it was the last one missing.</summary>
    /// <returns>Whether the message is kept.</returns>
    private bool TakePush(TrainerState trainer, MessageBuffer message)
    {
        ref readonly var header = ref Envelope.HeaderOf(message);
        if (header.Step != trainer.PushedSteps)
        {
            Envelope.Throw(message, $"pushes step {header.Step}; step {trainer.PushedSteps} is next");
        }

        foreach (var other in _trainers)
        {
            if (other.HasLeft && other.PushedSteps <= header.Step)
            {
                throw LeftEarly(other, trainer);
            }
        }

        CheckPush(trainer, message);
        bool keep = header.Sections > 0;
        trainer.Pushes.Enqueue(keep ? message : null);
        trainer.PushedSteps++;
        while (IsStepComplete())
        {
            ApplyStep();
            StepApplied?.Invoke(_appliedSteps);
            AnswerParked();
        }

        return keep;
    }

    private static PeerFailureException LeftEarly(TrainerState left, TrainerState other) =>
        new(
            $"rank {left.Rank} left after {left.PushedSteps} steps, but rank {other.Rank} goes on; every trainer pushes every step.",
            left.Rank,
            JobExitCode.Failure);

    // The length is checked against what the tickets say, so that applying needs no more checks.
    private static void CheckPush(TrainerState trainer, MessageBuffer message)
    {
        ref readonly var header = ref Envelope.HeaderOf(message);
        if (header.Sections < 0 || header.DirectoryBytes != (long)header.Sections * sizeof(long))
        {
            Envelope.Throw(message, $"has a directory of {header.DirectoryBytes} bytes for {header.Sections} tickets");
        }

        long bytes = header.DirectoryBytes;
        foreach (long id in Tickets(message))
        {
            if (trainer.Find(id) is not { IsAnswered: true, IsPushed: false } pull || pull.Step != header.Step)
            {
                Envelope.Throw(message, $"pushes ticket {id}, which is not of an answered pull of step {header.Step} without a push");
                return;
            }

            pull.IsPushed = true;
            bytes += pull.GradientBytes;
        }

        if (bytes != header.BodyBytes)
        {
            Envelope.Throw(message, $"pushes {header.BodyBytes} bytes; its {header.Sections} tickets need {bytes}");
        }
    }

    private static ReadOnlySpan<long> Tickets(MessageBuffer message) =>
        new(Envelope.Body(message), Envelope.HeaderOf(message).Sections);

    private bool IsStepComplete()
    {
        foreach (var trainer in _trainers)
        {
            if (trainer.Pushes.Count == 0)
            {
                return false;
            }
        }

        return true;
    }

    private void ApplyStep()
    {
        using var apply = Timeline.Begin("apply step");
        foreach (var trainer in _trainers)
        {
            if (trainer.Pushes.Dequeue() is { } push)
            {
                _appliedPushes.Add(push);
                AddGradients(trainer, push);
            }
        }

        _tables?.Apply(_appliedSteps + 1);
        foreach (var push in _appliedPushes)
        {
            push.Dispose();
        }

        _appliedPushes.Clear();
        foreach (var trainer in _trainers)
        {
            Forget(trainer, _appliedSteps);
        }

        _appliedSteps++;

        // Here too, so that a server that never waits for a message gets on with a save.
        _save?.Capture.Advance();
    }

    private void AddGradients(TrainerState trainer, MessageBuffer push)
    {
        byte* gradients = Envelope.Body(push) + Envelope.HeaderOf(push).DirectoryBytes;
        foreach (long id in Tickets(push))
        {
            var pull = trainer.Find(id)!;
            Shard.Add(pull, gradients);
            gradients += pull.GradientBytes;
        }
    }

    /// <summary>Drops the rows of the pulls of a step, pushed or not.</summary>
    private void Forget(TrainerState trainer, long step)
    {
        int kept = 0;
        var pulls = trainer.Pulls;
        for (int i = 0; i < pulls.Count; i++)
        {
            if (pulls[i].Step <= step)
            {
                Shard.Release(pulls[i]);
                _freePulls.Push(pulls[i]);
            }
            else
            {
                pulls[kept++] = pulls[i];
            }
        }

        pulls.RemoveRange(kept, pulls.Count - kept);
    }
}
