namespace FlEvents.Standalone.Privacy;

/// <summary>A vector that is not answered, and why: the message is its <c>unsupported</c>.</summary>
public sealed class VectorRefusedException : Exception
{
    public VectorRefusedException()
    {
    }

    public VectorRefusedException(string message)
        : base(message)
    {
    }

    public VectorRefusedException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
