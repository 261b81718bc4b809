using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives;

/// <summary>Runs an action at Ctrl-C or SIGTERM in place of what the runtime does, which waits for finalizers and handlers of exit.</summary>
internal sealed class SignalHandlers : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;

    internal SignalHandlers(Action interrupted)
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];

        void Handle(PosixSignalContext context)
        {
            context.Cancel = true;
            interrupted();
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }
}
