using System.Security.Cryptography;
using System.Text;
using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Safetensors;

namespace FlEvents.Aggregator.Tests;

/// <summary>Messages of one run over a small model, as the other services send them.</summary>
internal static class Messages
{
    public static readonly Guid RunId = Guid.ParseExact("0193b7a0-0000-7000-8000-000000000001", "D");

    public static readonly LedgerReceipt Receipt = new() { Sequence = 7, Hash = new string('7', 64) };

    /// <summary>Four inputs and three classes: 15 parameters.</summary>
    public static readonly RunSpec Spec = new()
    {
        Name = "small",
        Seed = 3,
        Rounds = 5,
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [4], Outputs = 3 },
        Data = new DataSpec { DataSet = "plants" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 4 },
    };

    public static readonly Model Model = Model.Create(Spec.Model);

    /// <summary>The run's initial model as a blob.</summary>
    public static readonly byte[] BaseBytes = SafetensorsWriter.Write(Model.Layout, Model.InitialWeights(Spec.Seed));

    public static readonly BlobRef BaseModel = RefOf(BaseBytes);

    public static Guid RoundId(int round = 1, Guid? runId = null) => ReservationId.OfRound(runId ?? RunId, round);

    public static Guid Reservation(string client, int round = 1, Guid? runId = null) => ReservationId.Of(runId ?? RunId, round, client, 1);

    public static string Token(string client, int lease = 1) => $"{client}-{lease}-token";

    public static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)));

    public static BlobRef RefOf(byte[] bytes) => new() { Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)), SizeBytes = bytes.Length };

    /// <summary>A blob whose hash is one digit over and over.</summary>
    public static BlobRef Blob(char digit) => new() { Sha256 = new string(digit, 64), SizeBytes = 100 };

    public static RoundMember Member(string client, int lease = 1, int examples = 100, int round = 1, Guid? runId = null) => new()
    {
        ClientId = client,
        ReservationId = Reservation(client, round, runId),
        Attempt = 1,
        LeaseNumber = lease,
        LeaseTokenSha256 = Sha256(Token(client, lease)),
        ExampleCount = examples,
    };

    public static OpenRound Open(int cohortSize, params RoundMember[] members) => new()
    {
        RunId = RunId,
        RoundId = RoundId(),
        Round = 1,
        BaseModel = BaseModel,
        CohortSize = cohortSize,
        Members = members,
    };

    /// <summary>Opens a round for these clients in one page.</summary>
    public static OpenRound OpenFor(params string[] clients) => Open(clients.Length, [.. clients.Select(client => Member(client))]);

    public static UpdateSubmitted Submit(string client, BlobRef update, int examples = 10, int lease = 1) => new()
    {
        RunId = RunId,
        RoundId = RoundId(),
        Round = 1,
        ClientId = client,
        ReservationId = Reservation(client),
        Attempt = 1,
        LeaseNumber = lease,
        LeaseToken = Token(client, lease),
        BaseModelSha256 = BaseModel.Sha256,
        Update = update,
        ExampleCount = examples,
        TrainingLoss = 0.5,
        TrainingSeconds = 1.5,
    };

    public static AggregateRound Aggregate(int minimumReports = 1) => new() { RunId = RunId, RoundId = RoundId(), Round = 1, MinimumReports = minimumReports };

    /// <param name="model">What the ledger says that it committed the round for.</param>
    public static BudgetCommitted Committed(int round = 1, BlobRef? model = null) =>
        new() { RunId = RunId, RoundId = RoundId(round), Round = round, Committed = 2, Receipt = Receipt, ModelSha256 = model?.Sha256 };

    public static RoundAbandoned Abandoned() => new() { RunId = RunId, RoundId = RoundId(), Round = 1, ReasonCode = "RUN_STOPPED", Detail = "The run was stopped." };

    /// <summary>Values in [−1, 1), always the same for a name; shape [length].</summary>
    public static float[] Values(string name, int length)
    {
        var random = SeededRandom.Derive(1, name);
        var values = new float[length];
        for (var i = 0; i < length; i++)
        {
            values[i] = (float)((2 * random.NextDouble()) - 1);
        }

        return values;
    }

    /// <summary>A client's update of the small model.</summary>
    public static float[] Delta(string client) => Values(client, Model.ParameterCount);

    public static byte[] Bytes(float[] delta) => SafetensorsWriter.Write(Model.Layout, delta);

    /// <summary>Examples that a client of this name trained on.</summary>
    public static int Examples(string client) => 1 + (Sha256(client)[0] % 90);
}
