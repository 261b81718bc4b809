using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Models;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>The dense part of a step where it is computed, on the processor or a GPU: the model, its inputs, the gradients that come out.</summary>
/// <remarks>
/// A step: <see cref="BeginStep"/>, <see cref="Prepare"/>, the wait for the rows, for every part of the batch <see cref="Load"/> and <see cref="PartEnds"/>
/// around the backward pass, <see cref="BeginSum"/>, <see cref="TakeRowGradients"/>, the wait for the sum, <see cref="EndStep"/>.
/// </remarks>
internal interface IDensePart : IDisposable
{
    /// <summary>The model that computes.</summary>
    CtrModel Model { get; }

    /// <summary>The linear weights as the model takes them, [rows, columns]; null where it has none.</summary>
    Tensor? Linear { get; }

    /// <summary>The embeddings as the model takes them, [rows, columns, dimension]; null where it has none.</summary>
    Tensor? Embeddings { get; }

    /// <summary>The dense columns, [rows, columns].</summary>
    Tensor Dense { get; }

    /// <summary>The labels, [rows].</summary>
    Tensor Labels { get; }

    /// <summary>Forgets the gradients of the step before.</summary>
    void BeginStep();

    /// <summary>The logits of the batch's rows as <see cref="PartEnds"/> was given them, once <see cref="TakeRowGradients"/> was called.</summary>
    ReadOnlySpan<float> Scores { get; }

    /// <summary>Begins with a batch whose rows may still be on their way.</summary>
    void Prepare(StepPlan plan);

    /// <summary>Fills the inputs with a part of the batch of a plan whose rows have been pulled; the first part comes first.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="first">The first sample of the part.</param>
    /// <param name="rows">Samples of the part.</param>
    void Load(StepPlan plan, int first, int rows);

    /// <summary>Keeps the gradients and scores of the part, whose backward pass is done.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="logits">[rows of the part].</param>
    /// <param name="isLast">Whether it was the last of the batch.</param>
    void PartEnds(StepPlan plan, Tensor logits, bool isLast);

    /// <summary>Starts to sum the dense gradients over the trainers.</summary>
    Pending BeginSum();

    /// <summary>Leaves the summed gradients of the distinct rows in the plan; of a batch with rows.</summary>
    void TakeRowGradients(StepPlan plan);

    /// <summary>Moves the weights by the summed gradients.</summary>
    /// <param name="rateFactor">What multiplies the learning rate.</param>
    void EndStep(double rateFactor);

    /// <summary>Copies logits of the part, [rows], to the host, where the device has to have computed them by then.</summary>
    void ReadScores(Tensor logits, Span<float> scores);
}
