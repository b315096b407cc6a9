using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;
using FlEvents.Testing.Noise;

namespace FlEvents.Aggregator.Tests.Privacy;

/// <summary>What ties the served model to the claim of mode central: through the real consumers, with clients that drop out, cheat and come late.</summary>
[Collection("host")]
public sealed class CentralReleaseTests : IDisposable
{
    private const int Cohort = 4;
    private const double ClipNorm = 1;
    private const double NoiseMultiplier = 0.5;

    private static readonly RunSpec Small = Messages.Spec with
    {
        Selection = new SelectionSpec { Count = Cohort },
        Privacy = new PrivacySpec
        {
            Mode = PrivacyMode.Central,
            Central = new CentralPrivacySpec { ClipNorm = ClipNorm, NoiseMultiplier = NoiseMultiplier },
        },
    };

    private static readonly RunSpec Wide = Small with { Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [784], Outputs = 10 } };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task One_client_more_or_less_moves_the_unnoised_model_by_at_most_the_clipping_norm_over_the_cohort(ulong seed)
    {
        var with = await ReleasedAsync(seed, isThere: true);
        var without = await ReleasedAsync(seed, isThere: false);

        // A float's rounding of each weight, on both sides.
        var moved = Math.Sqrt(with.Zip(without, (a, b) => ((double)a - b) * ((double)a - b)).Sum());
        Assert.InRange(moved, 0, (ClipNorm / Cohort) + 1e-6);
    }

    [Fact]
    public async Task The_noise_of_a_served_model_has_the_variance_that_was_charged_whoever_answered()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path, noise: new CryptographicNoise());
        await host.CreateAsync(Wide);
        var (layout, clients) = (Model.Create(Wide.Model).Layout, new[] { "anna", "ben", "cem", "dora" });
        var zeros = SafetensorsWriter.Write(layout, new float[Model.Create(Wide.Model).ParameterCount]);
        await host.DeliverAsync(Messages.OpenFor(clients) with { BaseModel = Messages.RefOf(SafetensorsWriter.Write(layout, Model.Create(Wide.Model).InitialWeights(Wide.Seed))) });
        var baseModel = host.Book()!.BaseModel;

        // Two of four: neither the divisor nor the noise may follow.
        foreach (var client in clients.Take(2))
        {
            await host.DeliverAsync(Private(Messages.Submit(client, await host.UploadAsync(client, zeros))) with { BaseModelSha256 = baseModel.Sha256 });
        }

        var weights = await ReleasedAsync(host, layout);
        var noise = weights.Zip(Model.Create(Wide.Model).InitialWeights(Wide.Seed), (after, before) => (double)after - before).ToArray();
        var expected = Math.Pow(NoiseMultiplier * ClipNorm / Cohort, 2);

        // Of 7,850 values: the sum of squares leaves these bounds with a probability below 10⁻⁹ (normal approximation of χ², 6.5 standard deviations).
        var ratio = noise.Sum(value => value * value) / noise.Length / expected;
        var spread = 6.5 * Math.Sqrt(2.0 / noise.Length);
        Assert.InRange(ratio, 1 - spread, 1 + spread);
        Assert.InRange(noise.Average() / Math.Sqrt(expected / noise.Length), -6.5, 6.5);
    }

    [Fact]
    public async Task Two_models_of_the_same_updates_are_noised_apart()
    {
        var hashes = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            await using var host = await AggregatorHost.StartAsync(_folder.File($"{i}"), noise: null);
            await host.CreateAsync(Small);
            await host.DeliverAsync(Messages.OpenFor("anna"));
            await host.DeliverAsync(Private(Messages.Submit("anna", await host.UploadAsync("anna"))));
            await host.DeliverAsync(Messages.Aggregate());
            await host.NextAsync<CommitBudget>();
            hashes.Add(host.Book()!.Result!.Sha256);
        }

        Assert.Equal(2, hashes.Count);
    }

    [Fact]
    public async Task Nothing_that_was_not_noised_goes_on_from_a_private_update()
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path, noise: null);
        await host.CreateAsync(Small);
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await host.DeliverAsync(Private(Messages.Submit("anna", await host.UploadAsync("anna"))) with { TrainingLoss = 0.25, TrainingSeconds = 3 });
        var admitted = await host.NextAsync<UpdateAdmitted>();
        Assert.Equal((null, null, null), (admitted.ExampleCount, admitted.TrainingLoss, admitted.TrainingSeconds));

        await host.DeliverAsync(Messages.Submit("ben", await host.UploadAsync("ben"), examples: 5));
        Assert.Equal(RejectionCode.ExampleCount, (await host.NextAsync<UpdateRejected>()).ReasonCode);
    }

    [Theory]
    [InlineData(PrivacyMode.Local, 1)]
    [InlineData(PrivacyMode.Central, 0)]
    public async Task A_second_different_update_is_charged_where_clients_noise_their_own(PrivacyMode mode, int charges)
    {
        await using var host = await AggregatorHost.StartAsync(_folder.Path, noise: null);
        await host.CreateAsync(mode == PrivacyMode.Central ? Small : Small with
        {
            Privacy = new PrivacySpec { Mode = mode, Local = new LocalPrivacySpec { ClipNorm = 1, NoiseMultiplier = 1 } },
        });
        await host.DeliverAsync(Messages.OpenFor("anna"));
        await host.UploadAsync("anna");
        await host.UploadAsync("anna");
        await host.UploadAsync("anna", Messages.Bytes(Messages.Delta("another")));
        Assert.Equal(charges, host.Outbox().Count(type => type == nameof(ChargeOutput)));
    }

    private static UpdateSubmitted Private(UpdateSubmitted message) => message with { ExampleCount = null, TrainingLoss = null, TrainingSeconds = null };

    /// <summary>A round of up to six clients, each of whom behaves as the seed says; the weights it releases without noise.</summary>
    private async Task<float[]> ReleasedAsync(ulong seed, bool isThere)
    {
        var random = new SeededNoise(seed);
        await using var host = await AggregatorHost.StartAsync(_folder.File($"{seed}-{isThere}"), new SilentNoise());
        await host.CreateAsync(Small);
        string[] clients = ["anna", "ben", "cem", "dora", "eva", "finn"];
        await host.DeliverAsync(Messages.OpenFor(clients));
        var late = new List<UpdateSubmitted>();
        foreach (var client in clients)
        {
            var draws = random.Uniform(3);

            // The one whose data is in question sends an update of any size; two others always answer, so that there is a model.
            var conduct = client is "anna" or "ben" or "cem" ? Conduct.Honest : (Conduct)(int)((draws[0] + 1) * 3);
            var scale = (float)Math.Pow(10, draws[1] * 3);
            var delta = Messages.Delta(client).Select(value => value * scale).ToArray();
            if (client == "anna" && !isThere)
            {
                continue;
            }

            if (conduct == Conduct.NotANumber)
            {
                delta[3] = float.NaN;
            }

            if (conduct == Conduct.Silent)
            {
                continue;
            }

            var message = Private(Messages.Submit(client, await host.UploadAsync(client, Messages.Bytes(delta))));
            if (conduct == Conduct.Late)
            {
                late.Add(message);
                continue;
            }

            await host.DeliverAsync(message);
            if (conduct == Conduct.Twice)
            {
                await host.DeliverAsync(message);
                await host.DeliverAsync(Private(Messages.Submit(client, await host.UploadAsync(client, Messages.Bytes(Messages.Delta($"{client}-other"))))));
            }
        }

        return await ReleasedAsync(host, Messages.Model.Layout, late);
    }

    private static async Task<float[]> ReleasedAsync(AggregatorHost host, ModelLayout layout, IReadOnlyList<UpdateSubmitted>? late = null)
    {
        await host.DeliverAsync(Messages.Aggregate());
        await host.NextAsync<CommitBudget>();
        foreach (var message in late ?? [])
        {
            await host.DeliverAsync(message);
        }

        await host.DeliverAsync(Messages.Committed());
        var model = (await host.NextAsync<RoundAggregated>()).Model;
        using var bytes = new MemoryStream(await host.Http.GetByteArrayAsync($"models/{model.Sha256}"));
        return SafetensorsHeader.Read(bytes, bytes.Length).ReadWeights(bytes, layout);
    }

    private enum Conduct
    {
        Honest,
        Silent,
        Twice,
        NotANumber,
        Late,
        AlsoHonest,
    }
}
