namespace FlEvents.Explorer.Tests.Worlds;

/// <summary>
/// Worlds in the order in which they were found, but for those that an earlier one covers. Made for many millions: nothing is copied as it grows but
/// a table of their places.
/// </summary>
internal sealed class WorldSet
{
    private const int BlockBits = 16;
    private const int BlockMask = (1 << BlockBits) - 1;
    private readonly List<World[]> _blocks = [];

    // The last world of each hash, and for each world the one before it: its number and one, or zero.
    private int[] _last = new int[1 << BlockBits];
    private readonly List<int[]> _before = [];

    public int Count { get; private set; }

    public World this[int id] => _blocks[id >> BlockBits][id & BlockMask];

    /// <returns>The number of the world, or of one that covers it; and whether it is new.</returns>
    public (int Id, bool IsNew) Add(World world)
    {
        for (var known = _last[PlaceOf(world)]; known > 0; known = Before(known - 1))
        {
            if (this[known - 1].Covers(world))
            {
                return (known - 1, false);
            }
        }

        if (Count >> BlockBits == _blocks.Count)
        {
            _blocks.Add(new World[1 << BlockBits]);
            _before.Add(new int[1 << BlockBits]);
        }

        if (Count == _last.Length)
        {
            Grow();
        }

        _blocks[^1][Count & BlockMask] = world;
        Link(Count, PlaceOf(world));
        return (Count++, true);
    }

    private int PlaceOf(World world) => world.GetHashCode() & (_last.Length - 1);

    private ref int Before(int id) => ref _before[id >> BlockBits][id & BlockMask];

    private void Link(int id, int place)
    {
        Before(id) = _last[place];
        _last[place] = id + 1;
    }

    private void Grow()
    {
        _last = new int[2 * _last.Length];
        for (var id = 0; id < Count; id++)
        {
            Link(id, PlaceOf(this[id]));
        }
    }
}
