using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;

namespace FlEvents.EndToEnd.Tests;

/// <summary>The sample's own tests, and its vectors: what another implementation is tested with is what this product checks and writes.</summary>
public sealed class PythonSampleTests
{
    private static readonly JsonElement Vectors = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(PythonSample.Folder, "vectors.json"))).RootElement;

    private static readonly string PublicKey = Vectors.GetProperty("publicKey").GetString()!;
    private static readonly string KeySha256 = Vectors.GetProperty("keySha256").GetString()!;

    [Fact]
    public async Task The_samples_own_tests_pass()
    {
        await PythonSample.NeedAsync();
        await using var tests = PythonSample.Start("-m", "unittest", "discover", PythonSample.Folder);
        Assert.True(await tests.WaitForExitAsync(Product.Patience) == 0, string.Join('\n', tests.Output));
        Assert.Contains(tests.Output, line => line.StartsWith("Ran ", StringComparison.Ordinal) && !line.StartsWith("Ran 0 ", StringComparison.Ordinal));
    }

    [Fact]
    public void Statements_are_spelled_as_this_product_spells_them_and_their_signatures_hold()
    {
        Assert.Equal(KeySha256, ClientKey.NameOf(PublicKey));
        var cases = Vectors.GetProperty("statements").EnumerateArray().ToList();
        Assert.Equal(4, cases.Count);
        foreach (var one in cases)
        {
            var text = StatementOf(one).Text;
            Assert.Equal(one.GetProperty("statement").GetString(), text);
            Assert.True(ClientKey.IsSigned(text, PublicKey, one.GetProperty("signature").GetString()!, KeySha256));
        }

        var altered = Vectors.GetProperty("altered");
        Assert.False(ClientKey.IsSigned(altered.GetProperty("statement").GetString()!, PublicKey, altered.GetProperty("signature").GetString()!, KeySha256));
        var enrolment = Vectors.GetProperty("enrolment");
        Assert.Equal($"enrol-v1|{enrolment.GetProperty("token").GetString()}|{PublicKey}", enrolment.GetProperty("text").GetString());
        Assert.True(ClientKey.IsSigned(enrolment.GetProperty("text").GetString()!, PublicKey, enrolment.GetProperty("signature").GetString()!, KeySha256));
    }

    [Fact]
    public void Files_and_clipped_vectors_are_as_this_product_makes_them()
    {
        var file = Vectors.GetProperty("safetensors");
        var layout = new ModelLayout(file.GetProperty("layout").EnumerateArray().Select(tensor =>
            (tensor.GetProperty("name").GetString()!, (IReadOnlyList<int>)[.. tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())])));
        var bytes = SafetensorsWriter.Write(layout, Floats(file.GetProperty("values")));
        Assert.Equal(file.GetProperty("base64").GetBytesFromBase64(), bytes);
        Assert.Equal(file.GetProperty("sha256").GetString(), Product.Sha256(bytes));

        var clipping = Vectors.GetProperty("clipping");
        var clipped = Floats(clipping.GetProperty("vector"));
        Clipping.ClipL2(clipped, clipping.GetProperty("clipNorm").GetDouble());
        Assert.Equal(Floats(clipping.GetProperty("clipped")), clipped);
    }

    private static float[] Floats(JsonElement values) => [.. values.EnumerateArray().Select(value => (float)value.GetDouble())];

    private static UpdateStatement StatementOf(JsonElement one)
    {
        var task = one.GetProperty("task");
        return new UpdateStatement
        {
            RunId = task.GetProperty("runId").GetGuid(),
            Round = task.GetProperty("round").GetInt32(),
            ClientId = task.GetProperty("clientId").GetString()!,
            ReservationId = task.GetProperty("reservationId").GetGuid(),
            Attempt = task.GetProperty("attempt").GetInt32(),
            BaseModelSha256 = task.GetProperty("baseModel").GetProperty("sha256").GetString()!,
            Update = one.GetProperty("update").Deserialize<BlobRef>(JsonSerializerOptions.Web)!,
            ExampleCount = one.GetProperty("exampleCount").Deserialize<int?>(),
            Privacy = task.GetProperty("privacy").Deserialize<TaskPrivacy>(JsonSerializerOptions.Web),
            Nonce = one.GetProperty("nonce").GetString()!,
            IssuedAt = one.GetProperty("issuedAt").GetInt64(),
        };
    }
}
