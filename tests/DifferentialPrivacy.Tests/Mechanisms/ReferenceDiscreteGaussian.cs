using System.Numerics;
using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

/// <summary>Algorithms 1 to 3 of arXiv:2004.00010 with t = σ = 2ᵏ, word for word in rationals of big integers.</summary>
internal sealed class ReferenceDiscreteGaussian(RandomBytes random)
{
    private readonly Queue<uint> _words = new();

    /// <summary>A draw; takes its words in the same order as the sampler under test.</summary>
    public long Draw(int k)
    {
        var sigma = BigInteger.One << k;
        while (true)
        {
            var y = Laplace(k);
            var distance = BigInteger.Abs(y) - sigma;
            if (ExpMinus(distance * distance, 2 * sigma * sigma))
            {
                return (long)y;
            }
        }
    }

    private BigInteger Laplace(int k)
    {
        while (true)
        {
            var word = Next();
            var remainder = k == 0 ? 0 : word >> (32 - k);
            if (k > 0 && !ExpMinus(remainder, BigInteger.One << k))
            {
                continue;
            }

            BigInteger wholes = 0;
            while (ExpMinus(1, 1))
            {
                wholes++;
            }

            var magnitude = remainder + (wholes << k);
            if (magnitude > 0 || word % 2 == 0)
            {
                return word % 2 == 1 ? -magnitude : magnitude;
            }
        }
    }

    /// <summary>Bernoulli(e^(−a/b)): whole parts as e^(−1), then the fraction.</summary>
    private bool ExpMinus(BigInteger a, BigInteger b)
    {
        for (; a > b || (a == b && b > 1); a -= b)
        {
            if (!ExpMinus(1, 1))
            {
                return false;
            }
        }

        var j = 1;
        while ((a == b && j == 1) || IsBelow(a, b * j))
        {
            j++;
        }

        return j % 2 == 1;
    }

    /// <summary>U &lt; a/b, U's bits drawn 32 at a time until it is decided.</summary>
    private bool IsBelow(BigInteger a, BigInteger b)
    {
        BigInteger drawn = 0;
        for (var bits = 32; ; bits += 32)
        {
            drawn = (drawn << 32) + Next();
            if (drawn * b >= a << bits)
            {
                return false;
            }

            if ((drawn + 1) * b <= a << bits)
            {
                return true;
            }
        }
    }

    private uint Next()
    {
        if (_words.Count == 0)
        {
            var bytes = new byte[1 << 14];
            random(bytes);
            foreach (var word in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(bytes))
            {
                _words.Enqueue(word);
            }
        }

        return _words.Dequeue();
    }
}
