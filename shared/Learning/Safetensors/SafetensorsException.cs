namespace FlEvents.Learning.Safetensors;

/// <summary>A file is not well-formed safetensors, or not what was expected of it. The message is one sentence fit to be shown.</summary>
public sealed class SafetensorsException : Exception
{
    public SafetensorsException(string message)
        : base(message)
    {
    }

    public SafetensorsException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public SafetensorsException()
    {
    }
}
