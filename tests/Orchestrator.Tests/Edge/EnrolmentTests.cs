using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Edge;
using FlEvents.Testing;

namespace FlEvents.Orchestrator.Tests.Edge;

/// <summary>Who comes in, with which key, and for whom.</summary>
public sealed class EnrolmentTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OrchestratorHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await OrchestratorHost.StartAsync(_folder.Path);

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_client_is_in_once_its_key_is_approved_and_its_data_is_its_owners()
    {
        using var mary = new EdgeClient(_host.Http, "st-mary");
        var token = await InviteAsync("st-mary", "st-mary-trust");
        Assert.Equal((401, EnrolmentState.Invited), (await StatusAsync(mary.AskAsync("edge/tasks")), await StateAsync("st-mary")));

        Assert.Equal(202, await EnrolAsync(mary.Request(token)));
        Assert.Equal((401, EnrolmentState.Waiting), (await StatusAsync(mary.AskAsync("edge/tasks")), await StateAsync("st-mary")));
        Assert.Empty(await ClientsAsync());

        Assert.Equal(409, await DecideAsync("st-mary", "approve", new { keySha256 = new string('0', 64) }));
        Assert.Equal(200, await DecideAsync("st-mary", "approve", new { keySha256 = mary.KeySha256 }));
        Assert.Equal((200, EnrolmentState.Active), (await StatusAsync(mary.AskAsync("edge/tasks")), await StateAsync("st-mary")));
        var client = Assert.Single(await ClientsAsync());
        Assert.Equal((true, mary.KeySha256, true), (client.IsEdge, client.KeySha256, client.Alive));
        Assert.Equal(new LedgerIdentity { Owner = "st-mary-trust", DataSet = "digits", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 }, Assert.Single(client.DataSets).Ledger);
    }

    [Theory]
    [InlineData("enrolments", """{"clientId":null,"owner":"trust"}""")]
    [InlineData("enrolments", """{"clientId":"st-mary","owner":null}""")]
    [InlineData("enrolments/st-mary/approve", """{"keySha256":null}""")]
    [InlineData("edge/enrolment", """{"token":null,"publicKey":"x","dataSets":[],"signature":"x"}""")]
    [InlineData("edge/enrolment", """{"token":"x","publicKey":null,"dataSets":[{"dataSet":"digits","exampleCount":1}],"signature":"x"}""")]
    [InlineData("edge/enrolment", """{"token":"x","publicKey":"x","dataSets":[{"dataSet":null,"exampleCount":1}],"signature":"x"}""")]
    public async Task A_value_that_is_null_where_one_is_needed_is_refused(string path, string body)
    {
        await InviteAsync("st-mary", "trust");
        using var answer = await _host.Http.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        Assert.Equal(400, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_body_in_an_encoding_that_nobody_knows_is_refused()
    {
        using var body = new StringContent("""{"clientId":"st-mary","owner":"trust"}""");
        body.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json; charset=x");
        using var answer = await _host.Http.PostAsync(new Uri("enrolments", UriKind.Relative), body, TestContext.Current.CancellationToken);
        Assert.Equal((415, "application/problem+json"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task A_token_is_good_for_one_key_only()
    {
        using var mary = new EdgeClient(_host.Http, "st-mary");
        using var thief = new EdgeClient(_host.Http, "st-mary");
        var token = await InviteAsync("st-mary", "trust");
        Assert.Equal(202, await EnrolAsync(mary.Request(token)));
        Assert.Equal(202, await EnrolAsync(mary.Request(token)));
        Assert.Equal(409, await EnrolAsync(thief.Request(token)));
        Assert.Equal(200, await DecideAsync("st-mary", "approve", new { keySha256 = mary.KeySha256 }));
        Assert.Equal(401, await EnrolAsync(mary.Request(token)));
        Assert.Equal(401, await EnrolAsync(thief.Request("fli_" + new string('0', 64))));
    }

    [Fact]
    public async Task Who_has_not_the_private_key_or_says_nothing_that_can_be_is_refused()
    {
        using var mary = new EdgeClient(_host.Http, "st-mary");
        using var other = new EdgeClient(_host.Http, "st-mary");
        var good = mary.Request(await InviteAsync("st-mary", "trust"));
        Assert.Equal(403, await EnrolAsync(good with { PublicKey = other.PublicKey }));
        Assert.Equal(400, await EnrolAsync(good with { PublicKey = "AAAA" }));
        Assert.Equal(400, await EnrolAsync(good with { DataSets = [] }));
        Assert.Equal(400, await EnrolAsync(good with { DataSets = [new DeclaredData { DataSet = "../digits", ExampleCount = 1 }] }));
        Assert.Equal(400, await EnrolAsync(good with { DataSets = [new DeclaredData { DataSet = "digits", ExampleCount = 0 }] }));
        Assert.Equal(EnrolmentState.Invited, await StateAsync("st-mary"));
    }

    [Fact]
    public async Task A_new_invitation_changes_the_key_and_never_the_owner_whose_budget_is_spent()
    {
        using var first = new EdgeClient(_host.Http, "st-mary");
        await first.JoinAsync("trust");
        var ledger = Assert.Single(Assert.Single(await ClientsAsync()).DataSets).Ledger;
        using var refused = await _host.Http.PostAsJsonAsync("enrolments", new { clientId = "st-mary", owner = "another" });
        Assert.Equal(409, (int)refused.StatusCode);

        using var second = new EdgeClient(_host.Http, "st-mary");
        Assert.Equal(202, await EnrolAsync(second.Request(await InviteAsync("st-mary", "trust"))));
        Assert.Equal((200, 401), (await StatusAsync(first.AskAsync("edge/tasks")), await StatusAsync(second.AskAsync("edge/tasks"))));
        Assert.Equal(200, await DecideAsync("st-mary", "approve", new { keySha256 = second.KeySha256 }));
        Assert.Equal((401, 200), (await StatusAsync(first.AskAsync("edge/tasks")), await StatusAsync(second.AskAsync("edge/tasks"))));
        Assert.Equal(ledger, Assert.Single(Assert.Single(await ClientsAsync()).DataSets).Ledger);
    }

    [Fact]
    public async Task A_suspended_client_is_neither_heard_nor_listed_and_a_revoked_one_comes_back_by_invitation_alone()
    {
        using var mary = new EdgeClient(_host.Http, "st-mary");
        await mary.JoinAsync("trust");
        Assert.Equal(200, await DecideAsync("st-mary", "suspend"));
        Assert.Equal((401, 0), (await StatusAsync(mary.AskAsync("edge/tasks")), (await ClientsAsync()).Count));
        Assert.Equal(200, await DecideAsync("st-mary", "resume"));
        Assert.Equal((200, 1), (await StatusAsync(mary.AskAsync("edge/tasks")), (await ClientsAsync()).Count));

        Assert.Equal(200, await DecideAsync("st-mary", "revoke"));
        Assert.Equal((401, 0), (await StatusAsync(mary.AskAsync("edge/tasks")), (await ClientsAsync()).Count));
        Assert.Equal(409, await DecideAsync("st-mary", "resume"));
        Assert.Equal(EnrolmentState.Revoked, await StateAsync("st-mary"));
        await mary.JoinAsync("trust");
        Assert.Equal(200, await StatusAsync(mary.AskAsync("edge/tasks")));
        using var left = await _host.Http.DeleteAsync(new Uri("clients/st-mary", UriKind.Relative));
        Assert.Equal((204, 401), ((int)left.StatusCode, await StatusAsync(mary.AskAsync("edge/tasks"))));
    }

    [Fact]
    public async Task A_worker_on_the_broker_can_not_take_an_enrolled_clients_name_nor_a_silo_its_neighbours_key()
    {
        using var mary = new EdgeClient(_host.Http, "st-mary");
        await mary.JoinAsync("trust");
        await _host.SendAsync(Offer("st-mary", key: null));
        await _host.SendAsync(Offer("st-john", new string('a', 64)));
        await _host.SendAsync(Offer("st-john", new string('b', 64)));
        await _host.SendAsync(Offer("st-john", key: null));
        await _host.SendAsync(Offer("last", key: null));
        while ((await ClientsAsync()).Count < 3)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Equal(["NAME_TAKEN", "OTHER_KEY", "OTHER_KEY"], _host.Sent<ClientEnrolled>().SelectMany(answer => answer.Refused).Select(refusal => refusal.ReasonCode));
        Assert.Equal(mary.KeySha256, (await ClientsAsync()).Single(client => client.ClientId == "st-mary").KeySha256);
        Assert.Equal(new string('a', 64), (await ClientsAsync()).Single(client => client.ClientId == "st-john").KeySha256);
    }

    [Fact]
    public async Task Only_a_token_that_the_client_has_signed_for_now_and_for_this_service_is_believed()
    {
        using var mary = new EdgeClient(_host.Http, "st-mary");
        using var john = new EdgeClient(_host.Http, "st-john");
        await mary.JoinAsync("trust");
        await john.JoinAsync("order");
        string[] forged =
        [
            john.Token(subject: "st-mary", issuer: "st-mary"),
            mary.Token(issuer: "st-john"),
            mary.Token(audience: "flevents"),
            mary.Token(isSigned: false),
            mary.Token(algorithm: "none", isSigned: false),
            mary.Token(algorithm: "HS256"),
            mary.Token(fromSeconds: -400),
            mary.Token(fromSeconds: 400),
            mary.Token(lifeSeconds: 301),
            mary.Token(subject: "st-paul", issuer: "st-paul"),
            $"{mary.Token()}x",
            "fle_key",
            "a.b.c",
        ];
        foreach (var token in forged)
        {
            Assert.Equal(401, await StatusAsync(mary.AskAsync("edge/tasks", token: token)));
        }

        Assert.Equal(200, await StatusAsync(mary.AskAsync("edge/tasks")));
    }

    private static EnrollClient Offer(string clientId, string? key) => new()
    {
        WorkerId = "worker",
        Pool = null,
        Clients =
        [
            new ClientProfile
            {
                ClientId = clientId,
                KeySha256 = key,
                DataSets = [new ClientDataSet { Ledger = new LedgerIdentity { Owner = clientId, DataSet = "digits", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 }, ExampleCount = 10 }],
            },
        ],
    };

    private async Task<string> InviteAsync(string clientId, string owner)
    {
        using var invited = await _host.Http.PostAsJsonAsync("enrolments", new { clientId, owner });
        return (await invited.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<InvitationView>(JsonSerializerOptions.Web))!.Token;
    }

    private Task<int> EnrolAsync(EnrolmentRequest request) => StatusAsync(_host.Http.PostAsJsonAsync("edge/enrolment", request, JsonSerializerOptions.Web));

    private Task<int> DecideAsync(string clientId, string decision, object? body = null) => StatusAsync(_host.Http.PostAsJsonAsync($"enrolments/{clientId}/{decision}", body));

    private async Task<EnrolmentState> StateAsync(string clientId) =>
        (await _host.Http.GetFromJsonAsync<List<EnrolmentView>>("enrolments", JsonSerializerOptions.Web))!.Single(enrolment => enrolment.ClientId == clientId).State;

    private async Task<List<ClientView>> ClientsAsync() => (await _host.Http.GetFromJsonAsync<List<ClientView>>("clients", JsonSerializerOptions.Web))!;

    private static async Task<int> StatusAsync(Task<HttpResponseMessage> asked)
    {
        using var answer = await asked;
        return (int)answer.StatusCode;
    }
}
