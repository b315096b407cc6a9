using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;
using FlEvents.Testing.Noise;

namespace FlEvents.Aggregator.Tests.Privacy;

/// <summary>What ties the served model to the claim of mode central: through the real consumers, with clients that drop out, cheat and come late.</summary>
public abstract class CentralReleaseTests : IAsyncDisposable
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

    private static readonly RunSpec Adapting = Small with
    {
        Privacy = Small.Privacy with
        {
            Central = Small.Privacy.Central! with { Adaptive = new AdaptiveClippingSpec { LearningRate = 0.4, SmallestNorm = 0.3, LargestNorm = 5 } },
        },
    };

    private static readonly RunSpec Wide = Small with { Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [784], Outputs = 10 } };

    private readonly TemporaryFolder _folder = new();

    public virtual ValueTask DisposeAsync()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>A part of a broker that nobody else uses; null for the in-memory bus.</summary>
    protected abstract Task<string?> NewBrokerUrlAsync();

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
        // With a norm that adapts, the first round's is the run's all the same.
        var run = seed % 2 == 0 ? Small : Adapting;
        var with = await ReleasedAsync(run, seed, isThere: true);
        var without = await ReleasedAsync(run, seed, isThere: false);

        // A float's rounding of each weight, on both sides.
        var moved = Math.Sqrt(with.Zip(without, (a, b) => ((double)a - b) * ((double)a - b)).Sum());
        Assert.InRange(moved, 0, (ClipNorm / Cohort) + 1e-6);
    }

    [Fact]
    public async Task The_noise_of_a_served_model_has_the_variance_that_was_charged_whoever_answered()
    {
        await using var host = await StartAsync("noised", new CryptographicNoise());
        var before = await host.CreateAsync(Wide);

        // Two of four: neither the divisor nor the noise may follow.
        var noise = await NoiseOfAsync(host, round: 1, before.Model, answering: 2);
        var expected = Math.Pow(NoiseMultiplier * ClipNorm / Cohort, 2);

        // Of 7,850 values: the sum of squares leaves these bounds with a probability below 10⁻⁹ (normal approximation of χ², 6.5 standard deviations).
        var ratio = noise.Sum(value => value * value) / noise.Length / expected;
        var spread = 6.5 * Math.Sqrt(2.0 / noise.Length);
        Assert.InRange(ratio, 1 - spread, 1 + spread);
        Assert.InRange(noise.Average() / Math.Sqrt(expected / noise.Length), -6.5, 6.5);
    }

    [Fact]
    public async Task The_noise_of_a_round_is_not_used_again_in_the_next()
    {
        await using var host = await StartAsync("rounds", new CryptographicNoise());
        var first = await NoiseOfAsync(host, round: 1, (await host.CreateAsync(Wide)).Model, answering: 1);
        var second = await NoiseOfAsync(host, round: 2, host.Book()!.Result!, answering: 1);

        // Of independent noise the correlation leaves these bounds with a probability below 10⁻⁹.
        var (product, variance) = (first.Zip(second, (x, y) => x * y).Sum(), first.Sum(x => x * x));
        Assert.InRange(product / variance, -6.5 / Math.Sqrt(first.Length), 6.5 / Math.Sqrt(first.Length));
    }

    [Fact]
    public async Task A_clipping_norm_that_adapts_goes_on_from_the_round_before_after_a_restart_too()
    {
        // Of four, one update is no longer than C = 1 and two are longer; one is missing and counts as half of each: b̄ = ½ + (½ − 2·½)/4.
        string[] clients = ["anna", "ben", "cem", "dora"];
        double?[] norms = new double?[2];
        var (run, baseModel) = (Adapting, Messages.BaseModel);
        for (var round = 1; round <= 2; round++)
        {
            await using var host = await StartAsync("adapting", new SilentNoise());
            if (round == 1)
            {
                await host.CreateAsync(run);
            }

            await host.DeliverAsync(OpenFor(clients, round, baseModel));
            foreach (var client in clients.Take(3))
            {
                var delta = new float[Messages.Model.ParameterCount];
                delta[0] = client == "anna" ? 0.5f : 2;
                await host.DeliverAsync(Submit(client, await host.UploadAsync(client, Messages.Bytes(delta), round), round, baseModel));
            }

            await host.DeliverAsync(Messages.Aggregate() with { RoundId = Messages.RoundId(round), Round = round });
            await NextAsync<CommitBudget>(host, message => message.Round == round);
            await host.DeliverAsync(Messages.Committed(round));
            var aggregated = await NextAsync<RoundAggregated>(host, message => message.Round == round);
            (norms[round - 1], baseModel) = (aggregated.ClipNorm, aggregated.Model);
        }

        Assert.Equal([1, Math.Exp(-0.4 * (0.375 - 0.5))], norms.Select(norm => Math.Round(norm!.Value, 6)).ToArray(), (x, y) => Math.Abs(x - y) < 1e-6);
    }

    [Fact]
    public async Task Two_models_of_the_same_updates_are_noised_apart()
    {
        var hashes = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            await using var host = await StartAsync($"{i}", noise: null);
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
        await using var host = await StartAsync("host", noise: null);
        await host.CreateAsync(Small);
        await host.DeliverAsync(Messages.OpenFor("anna", "ben"));
        await host.DeliverAsync(Private(Messages.Submit("anna", await host.UploadAsync("anna"))) with { TrainingLoss = 0.25, TrainingSeconds = 3 });
        var admitted = await host.NextAsync<UpdateAdmitted>();
        Assert.Equal((null, null, null, null), (admitted.UpdateSha256, admitted.ExampleCount, admitted.TrainingLoss, admitted.TrainingSeconds));

        await host.DeliverAsync(Messages.Submit("ben", await host.UploadAsync("ben"), examples: 5));
        Assert.Equal(RejectionCode.ExampleCount, (await host.NextAsync<UpdateRejected>()).ReasonCode);
    }

    [Theory]
    [InlineData(PrivacyMode.Local, 1)]
    [InlineData(PrivacyMode.Central, 0)]
    public async Task A_second_different_update_is_charged_where_clients_noise_their_own(PrivacyMode mode, int charges)
    {
        await using var host = await StartAsync("host", noise: null);
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

    private async Task<AggregatorHost> StartAsync(string folder, INoiseSource? noise) =>
        await AggregatorHost.StartAsync(_folder.File(folder), noise, brokerUrl: await NewBrokerUrlAsync());

    private static UpdateSubmitted Private(UpdateSubmitted message) => message with { ExampleCount = null, TrainingLoss = null, TrainingSeconds = null };

    /// <summary>A round of up to six clients, each of whom behaves as the seed says; the weights it releases without noise.</summary>
    private async Task<float[]> ReleasedAsync(RunSpec run, ulong seed, bool isThere)
    {
        var random = new SeededNoise(seed);
        await using var host = await StartAsync($"{seed}-{isThere}", new SilentNoise());
        await host.CreateAsync(run);
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

    /// <summary>What a round of updates that are all zero adds to the wide model; shape [P].</summary>
    private static async Task<double[]> NoiseOfAsync(AggregatorHost host, int round, BlobRef baseModel, int answering)
    {
        var (model, clients) = (Model.Create(Wide.Model), new[] { "anna", "ben", "cem", "dora" });
        var zeros = SafetensorsWriter.Write(model.Layout, new float[model.ParameterCount]);
        var before = await WeightsAsync(host, baseModel, model.Layout);
        await host.DeliverAsync(OpenFor(clients, round, baseModel));
        foreach (var client in clients.Take(answering))
        {
            await host.DeliverAsync(Submit(client, await host.UploadAsync(client, zeros, round), round, baseModel));
        }

        var after = await ReleasedAsync(host, model.Layout, round: round);
        return [.. after.Zip(before, (x, y) => (double)x - y)];
    }

    private static async Task<float[]> ReleasedAsync(AggregatorHost host, ModelLayout layout, IReadOnlyList<UpdateSubmitted>? late = null, int round = 1)
    {
        await host.DeliverAsync(Messages.Aggregate() with { RoundId = Messages.RoundId(round), Round = round });
        await host.NextAsync<CommitBudget>();
        foreach (var message in late ?? [])
        {
            await host.DeliverAsync(message);
        }

        await host.DeliverAsync(Messages.Committed(round));
        return await WeightsAsync(host, (await host.NextAsync<RoundAggregated>()).Model, layout);
    }

    // What a host had sent and not noted as sent comes once more after its next start.
    private static async Task<T> NextAsync<T>(AggregatorHost host, Func<T, bool> fits)
        where T : class
    {
        for (var message = await host.NextAsync<T>(); ; message = await host.NextAsync<T>())
        {
            if (fits(message))
            {
                return message;
            }
        }
    }

    private static OpenRound OpenFor(string[] clients, int round, BlobRef baseModel) => Messages.OpenFor(clients) with
    {
        RoundId = Messages.RoundId(round),
        Round = round,
        BaseModel = baseModel,
        Members = [.. clients.Select(client => Messages.Member(client, round: round))],
    };

    private static UpdateSubmitted Submit(string client, BlobRef update, int round, BlobRef baseModel) => Private(Messages.Submit(client, update)) with
    {
        RoundId = Messages.RoundId(round),
        Round = round,
        ReservationId = Messages.Reservation(client, round),
        BaseModelSha256 = baseModel.Sha256,
    };

    private static async Task<float[]> WeightsAsync(AggregatorHost host, BlobRef model, ModelLayout layout)
    {
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
