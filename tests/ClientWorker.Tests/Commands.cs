using System.Globalization;
using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.Learning.Safetensors;

namespace FlEvents.ClientWorker.Tests;

/// <summary>Commands over a small data set of generated digits, and the base model they name.</summary>
internal static class Commands
{
    public static readonly Guid RunId = Guid.ParseExact("0193b7a0-0000-7000-8000-000000000001", "D");

    public static readonly ModelSpec Model = new() { Name = ModelName.Logistic, InputShape = [784], Outputs = 10 };

    public static readonly byte[] BaseModel = ModelBytes(Model);

    public static byte[] ModelBytes(ModelSpec spec)
    {
        var model = Learning.Models.Model.Create(spec);
        return SafetensorsWriter.Write(model.Layout, model.InitialWeights(7));
    }

    public static BlobRef RefOf(byte[] bytes) => new()
    {
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
        SizeBytes = bytes.Length,
    };

    public static TrainClient Train(string clientId, int round = 1, int leaseNumber = 1) => new()
    {
        RunId = RunId,
        RunName = "ward study",
        RoundId = ReservationId.OfRound(RunId, round),
        Round = round,
        ClientId = clientId,
        ReservationId = ReservationId.Of(RunId, round, clientId, 1),
        Attempt = 1,
        LeaseNumber = leaseNumber,
        LeaseToken = leaseNumber.ToString("x32", CultureInfo.InvariantCulture),
        Lease = TimeSpan.FromMinutes(5),
        DeadlineAt = TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1),
        BaseModel = RefOf(BaseModel),
        Strategy = StrategyName.FedAvg,
        Model = Model,
        Data = new DataSpec { DataSet = "digits" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 4, LocalEpochs = 2, ValidationFraction = 0.2 },
        Seed = 7,
        Charges = [],
        Privacy = null,
    };

    public static EvaluateModel Evaluate(string clientId) => new()
    {
        RunId = RunId,
        RunName = "ward study",
        Version = 1,
        ClientId = clientId,
        DeadlineAt = TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1),
        Model = RefOf(BaseModel),
        Spec = Model,
        Data = new DataSpec { DataSet = "digits" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 4, ValidationFraction = 0.2 },
        Seed = 7,
    };
}
