using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.Standalone.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.EndToEnd.Tests;

/// <summary>Holds one client's updates back until the book of their round is closed, so that each of them is late.</summary>
/// <param name="client">Index of the client.</param>
internal sealed class Straggler(int client)
{
    public void Install(IServiceCollection services) => services.AddSingleton<IUpdateSink>(provider => new Gate(
        new InProcessUpdateSink(provider.GetRequiredService<UpdateReception>()), provider.GetRequiredService<AggregatorDatabase>(), $"client-{client:000000}"));

    private sealed class Gate(IUpdateSink inner, AggregatorDatabase books, string clientId) : IUpdateSink
    {
        public Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken) =>
            inner.HoldsAsync(reservationId, leaseToken, update, cancellationToken);

        public async Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, UpdateSignature? signature, CancellationToken cancellationToken)
        {
            BookMember? member = null;
            await Eventually.HoldsAsync("the round's book is open", () => (member = Find(reservationId)) is not null);
            if (member!.ClientId == clientId)
            {
                await Eventually.HoldsAsync("the round is closed", () => books.Read(transaction => BookStore.Find(transaction, member.RoundId)) is not { State: BookState.Open });
            }

            await inner.SubmitAsync(reservationId, leaseToken, update, bytes, signature, cancellationToken);
        }

        private BookMember? Find(Guid reservationId) => books.Read(transaction => BookStore.FindByReservation(transaction, reservationId));
    }
}
