using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>The requests of MPI that one operation waits for.</summary>
internal sealed class RequestSet
{
    private readonly List<Request> _requests = [];
    private int _first;

    internal void Add(Request request) => _requests.Add(request);

    /// <summary>Makes progress; true once all are complete.</summary>
    internal bool Test()
    {
        var requests = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_requests);
        while (_first < requests.Length)
        {
            if (!requests[_first].Test())
            {
                return false;
            }

            _first++;
        }

        _requests.Clear();
        _first = 0;
        return true;
    }
}
