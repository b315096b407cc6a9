namespace FlEvents.Explorer.Tests.Worlds;

/// <summary>Bags of small numbers, each bag with a number of its own; 0 is the empty one.</summary>
internal sealed class Bags
{
    public const int Empty = 0;

    private readonly Dictionary<Content, int> _ids = [];
    private readonly List<int[]> _bags = [];
    private readonly Dictionary<(int Bag, int Removed, int Added), int> _changed = [];
    private readonly Dictionary<(int Set, int Added), int> _united = [];

    public Bags() => IdOf([]);

    public int Count => _bags.Count;

    /// <summary>Its numbers, in order.</summary>
    public int[] this[int bag] => _bags[bag];

    public int IdOf(IEnumerable<int> items)
    {
        var sorted = items.ToArray();
        Array.Sort(sorted);
        var content = new Content(sorted);
        if (!_ids.TryGetValue(content, out var id))
        {
            id = _bags.Count;
            _ids.Add(content, id);
            _bags.Add(sorted);
        }

        return id;
    }

    /// <summary>The bag without one of a number (none when it is negative), and with those of another bag.</summary>
    public int Change(int bag, int removed, int added)
    {
        if (!_changed.TryGetValue((bag, removed, added), out var id))
        {
            var items = _bags[bag].ToList();
            items.Remove(removed);
            items.AddRange(_bags[added]);
            id = _changed[(bag, removed, added)] = IdOf(items);
        }

        return id;
    }

    /// <summary>The set of what either holds.</summary>
    public int Unite(int set, int added)
    {
        if (!_united.TryGetValue((set, added), out var id))
        {
            id = _united[(set, added)] = IdOf(_bags[set].Union(_bags[added]));
        }

        return id;
    }

    private readonly struct Content(int[] items) : IEquatable<Content>
    {
        private readonly int[] _items = items;

        public bool Equals(Content other) => _items.AsSpan().SequenceEqual(other._items);

        public override bool Equals(object? obj) => obj is Content other && Equals(other);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (var item in _items)
            {
                hash.Add(item);
            }

            return hash.ToHashCode();
        }
    }
}
