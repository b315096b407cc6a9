namespace FlEvents.Learning.Tests.Training;

/// <summary>What a piece of work allocates on its thread.</summary>
internal static class Allocation
{
    /// <summary>Bytes. The least of several counts: a collection that another test causes in between adds the rest of the thread's part of the heap.</summary>
    public static long Of(Action work)
    {
        work();
        var least = long.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
