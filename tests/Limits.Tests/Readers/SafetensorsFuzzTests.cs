using FlEvents.Aggregator.Admission;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Readers;

/// <summary>Updates and models as anybody may send them.</summary>
public sealed class SafetensorsFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int Cases = 100_000;
    private const int MiB = 1 << 20;

    private static readonly ModelLayout Layout =
        Model.Create(new ModelSpec { Name = ModelName.Mlp, InputShape = [6], Hidden = [5], Outputs = 3 }).Layout;

    private static readonly byte[] Good = SafetensorsWriter.Write(Layout, [.. Enumerable.Range(0, Layout.Length).Select(i => i / 8f)]);

    private static readonly byte[] Other = SafetensorsWriter.Write(Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [4], Outputs = 3 }).Layout, new float[15]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public Task A_mutated_model_is_read_or_refused_as_no_safetensors() => FuzzPlan.RunAsync(
        "safetensors",
        FuzzPlan.Cases(Cases),
        output,
        random => ByteMutation.Of(Good, Other, random),
        bytes =>
        {
            try
            {
                using var stream = new MemoryStream(bytes, writable: false);
                var header = SafetensorsHeader.Read(stream, bytes.Length);
                header.FirstNonFinite(stream);
                header.Summarize(stream);
                Assert.Equal(Layout.Length, header.ReadWeights(stream, Layout).Length);
                return Outcome.Taken;
            }
            catch (SafetensorsException e)
            {
                Assert.True(e.Message.Length > 20, e.Message);
                return Outcome.Refused;
            }
        },
        (_, _) => MiB);

    [Fact]
    public Task A_mutated_update_is_admitted_or_has_a_defect_with_its_reason() => FuzzPlan.RunAsync(
        "update",
        FuzzPlan.Cases(Cases / 5),
        output,
        random => ByteMutation.Of(Good, Other, random),
        bytes =>
        {
            var path = _folder.File("update");
            File.WriteAllBytes(path, bytes);
            using var file = File.OpenRead(path);
            var announced = new BlobRef { Sha256 = Product.Sha256(bytes), SizeBytes = bytes.Length };
            if (UpdateInspection.Inspect(file, announced, Layout, largestNorm: 1e6) is not { } defect)
            {
                return Outcome.Taken;
            }

            Assert.Contains(defect.ReasonCode, (string[])[RejectionCode.Malformed, RejectionCode.WrongLayout, RejectionCode.NotFinite, RejectionCode.NormTooLarge]);
            Assert.True(defect.Detail.Length > 20, defect.Detail);
            return Outcome.Refused;
        },
        (_, _) => MiB);
}
