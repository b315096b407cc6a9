using System.Reflection;
using MassTransit.Context;
using MassTransit.Serialization;

namespace FlEvents.Contracts.Tests;

public sealed class MessageSizeTests
{
    private const int Limit = 64 * 1024;

    public static TheoryData<string> Messages => [.. ContractTypes.Messages.Select(message => message.Name)];

    [Theory, MemberData(nameof(Messages))]
    public void A_message_with_the_largest_page_of_clients_and_names_of_64_characters_stays_under_64_KiB(string name)
    {
        var message = ContractTypes.Messages.Single(message => message.Name == name);

        Assert.InRange(SizeOf(message, LargestPage(message)), 1, Limit);
    }

    [Fact]
    public void The_size_of_a_page_is_measured_on_the_messages_that_list_clients()
    {
        var paged = ContractTypes.Messages.Where(message => message.GetProperties().Any(Sample.IsClientList)).Select(message => message.Name);

        Assert.Equal(["BudgetRefused", "BudgetReserved", "ClientEnrolled", "EnrollClient", "LedgerReport", "OpenRound", "ReserveBudget"], paged);
    }

    private static int LargestPage(Type message) => message.Name switch
    {
        nameof(ReserveBudget) or nameof(LedgerReport) => Page.LargestCharged,
        nameof(EnrollClient) => Page.LargestOffered,
        _ => Page.LargestSize,
    };

    private static int SizeOf(Type message, int clients) =>
        (int)typeof(MessageSizeTests).GetMethod(nameof(SizeInEnvelope), BindingFlags.Static | BindingFlags.NonPublic)!
            .MakeGenericMethod(message).Invoke(null, [Sample.Longest(message, clients)])!;

    /// <summary>Bytes of the message in MassTransit's envelope, with addresses as long as RabbitMQ allows a queue's name to be.</summary>
    private static int SizeInEnvelope<T>(T message)
        where T : class
    {
        var address = new Uri($"rabbitmq://{new string('h', 255)}/{new string('v', 64)}/{new string('q', 255)}");
        var context = new MessageSendContext<T>(message)
        {
            MessageId = Guid.NewGuid(),
            RequestId = Guid.NewGuid(),
            CorrelationId = Guid.NewGuid(),
            ConversationId = Guid.NewGuid(),
            InitiatorId = Guid.NewGuid(),
            SourceAddress = address,
            DestinationAddress = address,
            ResponseAddress = address,
            FaultAddress = address,
        };
        return new SystemTextJsonMessageSerializer().GetMessageBody(context).GetBytes().Length;
    }
}
