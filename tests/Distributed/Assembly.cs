// A job has more ranks than the machine has cores: two at once would time each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
