using System.Collections.Concurrent;
using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.Standalone.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.EndToEnd.Tests;

/// <summary>Brings each round's updates to the Aggregator one by one in a given order: the next only when the one before it is admitted.</summary>
/// <param name="order">Indices of all clients; every round has all of them, and every client a training slot.</param>
internal sealed class ArrivalOrder(IReadOnlyList<int> order)
{
    private readonly ConcurrentQueue<string> _arrived = new();

    /// <summary>Clients by admission, over all rounds.</summary>
    public IReadOnlyCollection<string> Arrived => _arrived;

    public void Install(IServiceCollection services) => services.AddSingleton<IUpdateSink>(provider => new Gate(
        new InProcessUpdateSink(provider.GetRequiredService<UpdateReception>()), provider.GetRequiredService<AggregatorDatabase>(), this));

    private sealed class Gate(IUpdateSink inner, AggregatorDatabase books, ArrivalOrder arrivals) : IUpdateSink
    {
        private readonly ConcurrentDictionary<(Guid Round, string Client), Guid> _waiting = new();

        public Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken) =>
            inner.HoldsAsync(reservationId, leaseToken, update, cancellationToken);

        public async Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, UpdateSignature? signature, CancellationToken cancellationToken)
        {
            BookMember? member = null;
            await Eventually.HoldsAsync("the round's book is open", () => (member = Find(reservationId)) is not null);
            _waiting[(member!.RoundId, member.ClientId)] = reservationId;
            if (Before(member.ClientId) is { } before)
            {
                await Eventually.HoldsAsync($"the update of {before} is admitted", () =>
                    _waiting.TryGetValue((member.RoundId, before), out var first) && Find(first) is { State: BookMemberState.Admitted });
            }

            arrivals._arrived.Enqueue(member.ClientId);
            await inner.SubmitAsync(reservationId, leaseToken, update, bytes, signature, cancellationToken);
        }

        private BookMember? Find(Guid reservationId) => books.Read(transaction => BookStore.FindByReservation(transaction, reservationId));

        private string? Before(string clientId)
        {
            var names = arrivals.Names;
            return names.IndexOf(clientId) is > 0 and var at ? names[at - 1] : null;
        }
    }

    private List<string> Names => [.. order.Select(client => $"client-{client:000000}")];
}
