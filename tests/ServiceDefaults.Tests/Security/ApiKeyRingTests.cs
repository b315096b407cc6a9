using FlEvents.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Tests.Security;

public class ApiKeyRingTests
{
    [Fact]
    public void A_ring_knows_the_keys_of_its_options_as_they_were_when_it_was_made()
    {
        var options = new SecurityOptions
        {
            ApiKeys =
            {
                ["ada"] = new ApiKeyOptions { Sha256 = ApiKey.Hash("fle_a").ToUpperInvariant(), Scopes = " runs:read  ledger:read " },
                ["ben"] = new ApiKeyOptions { Sha256 = ApiKey.Hash("fle_b"), Scopes = "runs:write" },
            },
        };
        var ring = new ApiKeyRing(Options.Create(options));
        options.ApiKeys.Clear();

        var ada = ring.HolderOf("fle_a")!;
        Assert.Equal("ada", ada.Identity!.Name);
        Assert.Equal([Scopes.RunsRead, Scopes.LedgerRead], Access.ScopesOf(ada));
        Assert.Equal("ben", ring.HolderOf("fle_b")!.Identity!.Name);
        Assert.All(["", "fle_", "fle_c", "fle_a ", ApiKey.Hash("fle_a")], unknown => Assert.Null(ring.HolderOf(unknown)));
    }
}
