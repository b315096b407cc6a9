using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Random words one at a time, drawn in blocks. Disposing wipes the block, used words and unused ones.</summary>
internal ref struct RandomWords
{
    /// <summary>Words of a block that make the cost of a call count little.</summary>
    public const int BlockLength = 4096;

    private readonly RandomBytes _random;
    private readonly Span<uint> _block;
    private int _next;

    /// <param name="random">Where the bits come from.</param>
    /// <param name="block">Room for a block, on the caller's stack.</param>
    public RandomWords(RandomBytes random, Span<uint> block)
    {
        _random = random;
        _block = block;
        _next = block.Length;
    }

    /// <summary>32 uniform bits.</summary>
    public uint Next()
    {
        if (_next == _block.Length)
        {
            _random(MemoryMarshal.AsBytes(_block));
            _next = 0;
        }

        return _block[_next++];
    }

    public readonly void Dispose() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_block));
}
