using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Data;

/// <summary>Splits the examples of a data set among clients: a pure function of the values, the rule and the seed, the same on every machine.</summary>
public static class Partition
{
    /// <summary>Most labels a Dirichlet split takes: its work is examples × labels. More usually means a numeric column by mistake.</summary>
    public const int MaximumClasses = 1000;

    /// <summary>Splits the examples; each is in exactly one part, and each part holds at least one.</summary>
    /// <param name="spec">The rule, its parameters and the seed.</param>
    /// <param name="values">Labels or column values, from <see cref="DataSetReader.ReadPartitionValues"/>; null only for iid.</param>
    /// <param name="count">Examples, at least as many as clients.</param>
    /// <param name="clients">Parts, at least 1.</param>
    /// <returns>For each client the indices of its examples, ascending; shape [clients][].</returns>
    /// <exception cref="ArgumentException"><see cref="PartitionSpec.Check(int, int, PartitionValues?)"/> finds an error: the message holds them all.</exception>
    public static int[][] Split(PartitionSpec spec, PartitionValues? values, int count, int clients)
    {
        Require(spec, spec.Check(clients, count, values));
        if (spec.Rule == PartitionRule.Iid)
        {
            return Iid(spec, count, clients);
        }

        ArgumentNullException.ThrowIfNull(values);
        return spec.Rule switch
        {
            PartitionRule.Dirichlet => Dirichlet(spec, values, clients),
            PartitionRule.Shards => Shards(spec, values, clients),
            _ => [.. Grouped(values)],
        };
    }

    /// <summary>Splits the rows so that those of one privacy unit stay together; each row is in exactly one part, and each part holds at least one unit.</summary>
    /// <remarks>
    /// The rule is applied to units in place of examples: sizes are equal in units, a unit's label is the one that most of its rows have, and a rule by column
    /// needs units that have one value each.
    /// </remarks>
    /// <param name="spec">The rule, its parameters and the seed.</param>
    /// <param name="basis">From <see cref="DataSetReader.ReadPartitionBasis"/>.</param>
    /// <param name="clients">Parts, at least 1.</param>
    /// <returns>For each client the indices of its rows, ascending; shape [clients][].</returns>
    /// <exception cref="ArgumentException"><see cref="PartitionSpec.Check(int, PartitionBasis)"/> finds an error: the message holds them all.</exception>
    public static int[][] Split(PartitionSpec spec, PartitionBasis basis, int clients)
    {
        Require(spec, spec.Check(clients, basis));
        var parts = Split(spec, basis.UnitValues(), basis.Count, clients);
        return basis.Units is { } units ? Array.ConvertAll(parts, part => units.RowsOf(part)) : parts;
    }

    private static void Require(PartitionSpec spec, IReadOnlyList<SpecError> errors)
    {
        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join('\n', errors.Select(error => error.Message)), nameof(spec));
        }
    }

    /// <summary>A random order cut into parts whose sizes differ by at most 1.</summary>
    private static int[][] Iid(PartitionSpec spec, int count, int clients)
    {
        var order = Enumerable.Range(0, count).ToArray();
        Stream(spec, clients).Shuffle<int>(order);
        return [.. Enumerable.Range(0, clients).Select(client => Sorted(order[Start(client, clients, count)..Start(client + 1, clients, count)]))];
    }

    /// <summary>
    /// Hsu et al. 2019, section 3: client by client, class shares q ~ Dir(α p) with p the shares of the whole data set, then as many examples as
    /// every other client has (to within 1), each of a class drawn from q, without replacement.
    /// </summary>
    /// <remarks>
    /// Where a class has run out, q is normalised over the others; so the last clients are further from Dir(α p) than the first. Equal sizes keep
    /// every part above zero at any α; the per-class rule of Yurochkin et al. 2019 (arXiv:1905.12022) would have to be drawn again and again.
    /// The concentrations sum to α; a symmetric Dirichlet with α for each class, as elsewhere, is this one with K α for K equally common classes.
    /// </remarks>
    private static int[][] Dirichlet(PartitionSpec spec, PartitionValues values, int clients)
    {
        var count = values.Codes.Length;
        var random = Stream(spec, clients);
        var pools = Grouped(values);
        foreach (var pool in pools)
        {
            random.Shuffle<int>(pool);
        }

        var left = pools.Select(pool => pool.Length).ToArray();
        var concentration = pools.Select(pool => spec.Alpha!.Value * pool.Length / count).ToArray();
        var shares = new double[pools.Length];
        var parts = new int[clients][];
        for (var client = 0; client < clients; client++)
        {
            DirichletDraw.Shares(concentration, random, shares);
            var part = new int[Start(client + 1, clients, count) - Start(client, clients, count)];
            for (var i = 0; i < part.Length; i++)
            {
                var picked = PickClass(shares, left, random);
                part[i] = pools[picked][--left[picked]];
            }

            parts[client] = Sorted(part);
        }

        return parts;
    }

    /// <summary>McMahan et al. 2017, section 3: sorted by label, cut into equal shards, and each client gets a few of them at random.</summary>
    private static int[][] Shards(PartitionSpec spec, PartitionValues values, int clients)
    {
        var count = values.Codes.Length;
        var perClient = spec.ShardsPerClient!.Value;
        var shards = clients * perClient;
        int[] byLabel = [.. Grouped(values).SelectMany(group => group)];
        var order = Enumerable.Range(0, shards).ToArray();
        Stream(spec, clients).Shuffle<int>(order);
        return
        [
            .. order.Chunk(perClient).Select(
                mine => Sorted([.. mine.SelectMany(shard => byLabel[Start(shard, shards, count)..Start(shard + 1, shards, count)])])),
        ];
    }

    /// <summary>A class by its share among those with examples left; by the examples left where all of those have share 0.</summary>
    private static int PickClass(double[] shares, int[] left, SeededRandom random)
    {
        double total = 0, totalLeft = 0;
        for (var k = 0; k < shares.Length; k++)
        {
            total += left[k] > 0 ? shares[k] : 0;
            totalLeft += left[k];
        }

        var threshold = random.NextDouble() * (total > 0 ? total : totalLeft);
        var last = -1;
        for (var k = 0; k < shares.Length; k++)
        {
            var weight = left[k] == 0 ? 0 : total > 0 ? shares[k] : left[k];
            if (weight > 0)
            {
                last = k;
                if (threshold < weight)
                {
                    return k;
                }

                threshold -= weight;
            }
        }

        return last;
    }

    /// <summary>The indices of each value, ascending; shape [values][].</summary>
    private static int[][] Grouped(PartitionValues values)
    {
        var sizes = new int[values.Names.Count];
        foreach (var code in values.Codes)
        {
            sizes[code]++;
        }

        var groups = sizes.Select(size => new int[size]).ToArray();
        Array.Clear(sizes);
        for (var i = 0; i < values.Codes.Length; i++)
        {
            groups[values.Codes[i]][sizes[values.Codes[i]]++] = i;
        }

        return groups;
    }

    private static SeededRandom Stream(PartitionSpec spec, int clients) => SeededRandom.Derive(spec.Seed, "partition", spec.Describe(clients));

    /// <summary>Where a part starts when <paramref name="count"/> is cut into <paramref name="parts"/> whose sizes differ by at most 1.</summary>
    private static int Start(int part, int parts, int count) => (int)((long)part * count / parts);

    private static int[] Sorted(int[] indices)
    {
        Array.Sort(indices);
        return indices;
    }
}
