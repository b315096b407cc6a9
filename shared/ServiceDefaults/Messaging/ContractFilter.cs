using MassTransit;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// Lets no message through to a consumer that breaks <see cref="ContractRules"/>, or that came by another exchange than its own (<see cref="Routes.MayComeBy"/>): it
/// is put aside with what is wrong.
/// </summary>
public sealed class ContractFilter<T> : IFilter<ConsumeContext<T>>
    where T : class
{
    /// <exception cref="InvalidDataException">It names the value and what was expected.</exception>
    public Task Send(ConsumeContext<T> context, IPipe<ConsumeContext<T>> next) =>
        (DefectOfWay(context.ReceiveContext) ?? ContractRules.Defect(context.Message)) is { } defect ? throw new InvalidDataException(defect) : next.Send(context);

    public void Probe(ProbeContext context) => context.CreateFilterScope("contract");

    // In memory there is one process, and nobody to tell apart.
    private static string? DefectOfWay(ReceiveContext context) =>
        context.TryGetPayload<RabbitMqBasicConsumeContext>(out var delivery) && !Routes.MayComeBy(delivery.Exchange, typeof(T), context.InputAddress.Segments[^1])
            ? $"{typeof(T).Name} came by exchange \"{delivery.Exchange}\": expected {Routes.Exchange(typeof(T))}."
            : null;
}
