using FlEvents.Contracts;
using FlEvents.Contracts.Tests;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.Limits.Tests.Messages;

public sealed class ContractRulesTests
{
    private static readonly Guid Run = Guid.Parse("0193b7a0-0000-7000-8000-000000000001");

    private static readonly RoundMember Anna = new()
    {
        ClientId = "anna",
        ReservationId = ReservationId.Of(Run, 2, "anna", 1),
        Attempt = 1,
        LeaseNumber = 1,
        LeaseTokenSha256 = new string('a', 64),
        ExampleCount = 5,
    };

    private static readonly OpenRound Open = new()
    {
        RunId = Run,
        RoundId = ReservationId.OfRound(Run, 2),
        Round = 2,
        BaseModel = new BlobRef { Sha256 = new string('0', 64), SizeBytes = 100 },
        CohortSize = 1,
        Members = [Anna],
    };

    private static readonly EnrollClient Enroll = new()
    {
        WorkerId = "worker-a",
        Pool = "ward",
        Clients =
        [
            new ClientProfile
            {
                ClientId = "anna",
                DataSets = [new ClientDataSet { Ledger = new() { Owner = "ward", DataSet = "digits", PartitionRule = "iid/5", PartitionSeed = 1, PartitionIndex = 0 }, ExampleCount = 9 }],
            },
        ],
    };

    [Fact]
    public void Good_messages_have_no_defect()
    {
        Assert.Null(ContractRules.Defect(Open));
        Assert.Null(ContractRules.Defect(Enroll));
    }

    [Fact]
    public void What_is_missing_is_named_with_its_place()
    {
        Assert.Equal("OpenRound.Members is missing.", ContractRules.Defect(Open with { Members = null! }));
        Assert.Equal("OpenRound.Members[0] is missing.", ContractRules.Defect(Open with { Members = [null!] }));
        Assert.Equal("OpenRound.BaseModel.Sha256 is missing.", ContractRules.Defect(Open with { BaseModel = Open.BaseModel with { Sha256 = null! } }));
        Assert.Equal("EnrollClient.Clients[0].DataSets[0].Ledger is missing.", ContractRules.Defect(Enroll with
        {
            Clients = [Enroll.Clients[0] with { DataSets = [Enroll.Clients[0].DataSets[0] with { Ledger = null! }] }],
        }));
        Assert.Null(ContractRules.Defect(Enroll with { Pool = null }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Anna")]
    [InlineData("a/b")]
    [InlineData("anna\u0007")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public void A_name_that_no_exchange_can_have_is_refused(string name)
    {
        Assert.Contains("ClientId is \"", ContractRules.Defect(Open with { Members = [Anna with { ClientId = name }] }), StringComparison.Ordinal);
        Assert.Contains("WorkerId is \"", ContractRules.Defect(Enroll with { WorkerId = name }), StringComparison.Ordinal);
        Assert.DoesNotContain("\u0007", ContractRules.Defect(Enroll with { WorkerId = name }), StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_hashes_and_lengths_are_what_services_send()
    {
        Assert.Equal("OpenRound.Round is 0; expected at least 1.", ContractRules.Defect(Open with { Round = 0 }));
        Assert.Equal($"OpenRound.BaseModel.SizeBytes is {long.MaxValue}; expected at most {1L << 40}.", ContractRules.Defect(Open with { BaseModel = Open.BaseModel with { SizeBytes = long.MaxValue } }));
        Assert.Equal("OpenRound.BaseModel.Sha256 is \"ABC\"; expected 64 lower-case hexadecimal digits.", ContractRules.Defect(Open with { BaseModel = Open.BaseModel with { Sha256 = "ABC" } }));
        Assert.Equal("OpenRound.Members has 257 elements; expected at most 256.", ContractRules.Defect(Open with { Members = [.. Enumerable.Repeat(Anna, 257)] }));
        Assert.Equal("OpenRound.Members has anna twice; expected each client once.", ContractRules.Defect(Open with { Members = [Anna, Anna] }));
        var refused = new ModelRefused { RunId = Run, Reason = new string('x', ContractRules.LongestDetail + 1) };
        Assert.Equal($"ModelRefused.Reason has {ContractRules.LongestDetail + 1} characters; expected at most {ContractRules.LongestDetail}.", ContractRules.Defect(refused));
    }

    [Fact]
    public void Ids_follow_from_run_round_and_client()
    {
        Assert.StartsWith("OpenRound.RoundId is ", ContractRules.Defect(Open with { Round = 3 }), StringComparison.Ordinal);
        Assert.StartsWith("OpenRound.ReservationId is ", ContractRules.Defect(Open with { Members = [Anna with { Attempt = 2 }] }), StringComparison.Ordinal);
    }

    [Fact]
    public void Specifications_are_held_to_their_own_bounds()
    {
        var spec = new RunSpec
        {
            Name = "run",
            Rounds = 3,
            Model = new ModelSpec { Name = ModelName.Mlp, Hidden = [8], InputShape = [4], Outputs = 3 },
            Data = new DataSpec { DataSet = "plants", Label = new LabelSpec { Name = "kind", Classes = [new string('x', 5000)] } },
            Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 4 },
        };
        Assert.Null(ContractRules.Defect(new CreateModel { RunId = Run, Run = spec }));
        Assert.Equal(
            "CreateModel.Run.Training.LocalEpochs is 100000; expected 1 to 1000.",
            ContractRules.Defect(new CreateModel { RunId = Run, Run = spec with { Training = spec.Training with { LocalEpochs = 100_000 } } }));
        Assert.Equal(
            "CreateModel.Run.Data.DataSet is \"../x\"; expected [a-z0-9-]{1,64}.",
            ContractRules.Defect(new CreateModel { RunId = Run, Run = spec with { Data = spec.Data with { DataSet = "../x" } } }));
    }

    [Fact]
    public void What_an_update_says_of_itself_is_left_to_its_book()
    {
        var submitted = (UpdateSubmitted)Sample.Of(typeof(UpdateSubmitted));
        Assert.Null(ContractRules.Defect(submitted with { Round = -1, Update = submitted.Update with { Sha256 = "../x", SizeBytes = -1 } }));
        Assert.Equal("UpdateSubmitted.Update is missing.", ContractRules.Defect(submitted with { Update = null! }));
    }
}
