using System.Globalization;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.Testing;

namespace FlEvents.ClientWorker.Tests;

/// <summary>The owner's own books and veto.</summary>
public sealed class OwnerBooksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MemorySink _sink = new();

    public void Dispose() => _folder.Dispose();

    // With z = 4 each task costs α/(2(z/2)²) = 1 at order 8, and ρ = 1/(2(z/2)²) = 0.125: both limits hold two of them and a half.
    [Theory, InlineData(false), InlineData(true)]
    public async Task A_task_above_the_owners_limit_is_refused_whatever_the_server_charged(bool inRho)
    {
        var epsilon = 2.5 + Math.Log(7.0 / 8) - (Math.Log(8e-5) / 7);
        var limit = inRho ? """{ "rho": 0.3125 }""" : string.Create(CultureInfo.InvariantCulture, $$"""{ "epsilon": {{epsilon:R}}, "delta": 1e-5, "alpha": 8 }""");
        await using var worker = await WorkerHost.StartAsync(
            _folder,
            _sink,
            slots: 1,
            settings: PolicyText.Setting(_folder, $$"""{ "privacy": { "client": { "inAll": {{limit}} } } }"""));
        foreach (var round in new[] { 1, 2 })
        {
            await worker.SendAsync(Noised(round));
            await worker.NextAsync<UpdateSubmitted>(update => update.Round == round);
        }

        await worker.SendAsync(Noised(3));
        var refused = await worker.NextAsync<TrainingRefused>(refusal => refusal.Round == 3);
        Assert.Equal(RefusalCode.OwnerPolicy, refused.ReasonCode);
        Assert.StartsWith("Rule in_all: ", refused.Detail, StringComparison.Ordinal);

        // Another client's data has its own books; a task without noise fits no limit.
        await worker.SendAsync(Noised(3) with { ClientId = "ward-000001", ReservationId = ReservationId.Of(Commands.RunId, 3, "ward-000001", 1) });
        var update = await worker.NextAsync<UpdateSubmitted>(update => update.ClientId == "ward-000001");
        Assert.Equal((null, null, null), (update.ExampleCount, update.TrainingLoss, update.TrainingSeconds));
        await worker.SendAsync(Commands.Train("ward-000002"));
        Assert.Contains("unbounded", (await worker.NextAsync<TrainingRefused>(refusal => refusal.ClientId == "ward-000002")).Detail);

        static TrainClient Noised(int round) => Commands.Train("ward-000000", round) with
        {
            Training = Commands.Train("ward-000000").Training with { ValidationFraction = 0 },
            Privacy = new TaskPrivacy { DpSgd = null, ClipNorm = 1, NoiseMultiplier = 4 },
            Charges = [new PrivacyCharge { Unit = PrivacyUnit.Client, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 1000 }],
        };
    }
}
