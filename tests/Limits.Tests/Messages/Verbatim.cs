using System.Net.Mime;
using MassTransit;

namespace FlEvents.Limits.Tests.Messages;

/// <summary>Sends bytes as they stand, under the name of a message.</summary>
internal sealed class Verbatim(byte[] bytes) : IMessageSerializer
{
    public ContentType ContentType { get; } = new("application/vnd.masstransit+json");

    public MessageBody GetMessageBody<T>(SendContext<T> context)
        where T : class => new Body(bytes);

    private sealed class Body(byte[] bytes) : MessageBody
    {
        public long? Length => bytes.Length;

        public Stream GetStream() => new MemoryStream(bytes, writable: false);

        public byte[] GetBytes() => bytes;

        public string GetString() => System.Text.Encoding.UTF8.GetString(bytes);
    }
}

/// <summary>What a <see cref="Verbatim"/> is sent as: nobody sees it.</summary>
public sealed record Envelope;
