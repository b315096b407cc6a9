using System.Buffers.Binary;
using System.Text;
using FlEvents.Aggregator.Admission;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Aggregation;

/// <summary>Scenario S30: updates made to break the Aggregator, over its real HTTP endpoint and the broker.</summary>
public sealed class HostileUpdateTests(RabbitMqBroker broker, ITestOutputHelper output) : IDisposable
{
    private const long MiB = 1 << 20;
    private const string OtherModel = "0000000000000000000000000000000000000000000000000000000000000000";

    /// <summary>A model of 4 MB, so that reading an update whole would show.</summary>
    private static readonly RunSpec Spec = new()
    {
        Name = "hostile",
        Rounds = 1,
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [100_000], Outputs = 10 },
        Data = new DataSpec { DataSet = "plants" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 4 },
    };

    private static readonly Model Model = Model.Create(Spec.Model);

    /// <summary>By the client that sends it: the bytes, the reason it is to be rejected with, and words of the detail.</summary>
    private static readonly Dictionary<string, (byte[] Bytes, string ReasonCode, string Detail)> Hostile = new()
    {
        ["not-a-number"] = (With(weights => weights[123_456] = float.NaN), RejectionCode.NotFinite, "Element 123456 of tensor 0.weight is not finite."),
        ["infinite"] = (With(weights => weights[^1] = float.NegativeInfinity), RejectionCode.NotFinite, "Element 9 of tensor 0.bias is not finite."),
        ["wrong-shape"] = (WrongShape(), RejectionCode.WrongLayout, "has the shape [100000, 10]; expected [10, 100000]"),
        ["header-of-10-gb"] = (HeaderOf10Gb(), RejectionCode.Malformed, "A header of 10000000000 bytes"),
        ["overlapping"] = (Overlapping(), RejectionCode.Malformed, "without gap or overlap"),
        ["other-base"] = (With(_ => { }), RejectionCode.WrongBaseModel, $"Trained from model {OtherModel}"),
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Senders => [.. Hostile.Keys];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task S30_each_hostile_update_is_rejected_with_a_reason_of_its_own_and_the_model_is_the_mean_of_the_others()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var aggregator = await AggregatorProcess.StartAsync(host, Spec);
        await aggregator.OpenAsync(["anna", "zoe", .. Hostile.Keys]);
        await SubmitAsync(aggregator, "anna", Good(1), aggregator.BaseModel.Sha256);
        foreach (var (client, (bytes, _, _)) in Hostile)
        {
            await SubmitAsync(aggregator, client, bytes, client == "other-base" ? OtherModel : aggregator.BaseModel.Sha256);
        }

        await SubmitAsync(aggregator, "zoe", Good(3), aggregator.BaseModel.Sha256);
        for (var i = 0; i < Hostile.Count; i++)
        {
            var rejected = await aggregator.NextAsync<UpdateRejected>();
            output.WriteLine($"{rejected.ClientId}: {rejected.ReasonCode}: {rejected.Detail}");
            Assert.Equal((Hostile[rejected.ClientId].ReasonCode, true), (rejected.ReasonCode, rejected.IsFinal));
            Assert.Contains(Hostile[rejected.ClientId].Detail, rejected.Detail, StringComparison.Ordinal);
        }

        var model = await aggregator.AggregateAsync(minimumReports: 2);
        using var stream = new MemoryStream(model);
        var expected = Model.InitialWeights(Spec.Seed).Select(weight => (float)(weight + 2.0));
        Assert.Equal(expected, SafetensorsHeader.Read(stream, model.Length).ReadWeights(stream, Model.Layout));
    }

    [Theory, MemberData(nameof(Senders))]
    public void S30_a_hostile_update_is_looked_at_within_a_mebibyte(string sender)
    {
        var (bytes, reasonCode, detail) = Hostile[sender];
        var path = _folder.File("update");
        File.WriteAllBytes(path, bytes);
        using var file = File.OpenRead(path);
        var announced = new BlobRef { Sha256 = Product.Sha256(bytes), SizeBytes = bytes.Length };
        var before = GC.GetAllocatedBytesForCurrentThread();
        var defect = UpdateInspection.Inspect(file, announced, Model.Layout, largestNorm: null);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"{sender}: {bytes.Length} bytes, {allocated} bytes allocated.");
        Assert.InRange(allocated, 0, MiB);
        if (reasonCode == RejectionCode.WrongBaseModel)
        {
            Assert.Null(defect);
            return;
        }

        Assert.Equal(reasonCode, defect!.ReasonCode);
        Assert.Contains(detail, defect.Detail, StringComparison.Ordinal);
    }

    private static async Task SubmitAsync(AggregatorProcess aggregator, string client, byte[] bytes, string baseModelSha256)
    {
        await aggregator.UploadAsync(client, bytes);
        await aggregator.PublishAsync(aggregator.Submission(client, bytes, examples: 5) with { BaseModelSha256 = baseModelSha256 });
    }

    private static byte[] Good(float value) => With(weights => weights.Fill(value));

    private static byte[] With(SpanChange change)
    {
        var weights = new float[Model.ParameterCount];
        change(weights);
        return SafetensorsWriter.Write(Model.Layout, weights);
    }

    private delegate void SpanChange(Span<float> weights);

    private static byte[] WrongShape() => Replaced("\"shape\":[10,100000]", "\"shape\":[100000,10]");

    private static byte[] Overlapping() => Replaced("\"data_offsets\":[4000000,4000040]", "\"data_offsets\":[3999960,4000000]");

    /// <summary>The same file with a part of its header replaced by another of the same length.</summary>
    private static byte[] Replaced(string part, string other)
    {
        var file = With(_ => { });
        var header = Encoding.ASCII.GetString(file, 0, 300);
        Assert.Contains(part, header, StringComparison.Ordinal);
        Assert.Equal(part.Length, other.Length);
        Encoding.ASCII.GetBytes(other).CopyTo(file, header.IndexOf(part, StringComparison.Ordinal));
        return file;
    }

    private static byte[] HeaderOf10Gb()
    {
        var file = With(_ => { });
        BinaryPrimitives.WriteInt64LittleEndian(file, 10_000_000_000);
        return file;
    }
}
