namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Overwrites a span with independent, uniform random bytes; called from several threads. In the product <c>RandomNumberGenerator.Fill</c>.</summary>
public delegate void RandomBytes(Span<byte> bytes);
