using MassTransit;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>Lets no message through to a consumer that breaks <see cref="ContractRules"/>: it is put aside with what is wrong.</summary>
public sealed class ContractFilter<T> : IFilter<ConsumeContext<T>>
    where T : class
{
    /// <exception cref="InvalidDataException">It names the value and what was expected.</exception>
    public Task Send(ConsumeContext<T> context, IPipe<ConsumeContext<T>> next) =>
        ContractRules.Defect(context.Message) is { } defect ? throw new InvalidDataException(defect) : next.Send(context);

    public void Probe(ProbeContext context) => context.CreateFilterScope("contract");
}
