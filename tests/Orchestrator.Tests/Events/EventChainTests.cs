using FlEvents.Contracts;
using FlEvents.Orchestrator.Events;
using static FlEvents.Orchestrator.Tests.Rounds.Messages;

namespace FlEvents.Orchestrator.Tests.Events;

public sealed class EventChainTests
{
    private static readonly EventRecord First = EventChain.Append(HashChain.Empty, "CreateModel", """{"a":1}""", Start);
    private static readonly EventRecord Second = EventChain.Append(new ChainHead(1, First.Hash), "UpdateAdmitted", """{"b":"ü"}""", at: null);

    // Computed with Python's hashlib over the text that docs/replay.md describes.
    [Fact]
    public void A_hash_is_that_of_the_previous_one_and_the_canonical_text()
    {
        Assert.Equal("c5231b6242a0c9351ab94da941a2a21dc8941bd2898fa6349dc3a4b5a6425db4", First.Hash);
        Assert.Equal("d3df6d08165bc7f3fbcd87169de8ed783e2447a31e936dda91f55a5621ad9353", Second.Hash);
    }

    [Fact]
    public void A_record_that_does_not_continue_the_chain_says_why()
    {
        var head = new ChainHead(1, First.Hash);

        Assert.Null(EventChain.FaultOf(HashChain.Empty, First));
        Assert.Null(EventChain.FaultOf(head, Second));
        Assert.Equal("sequence 1 follows 1", EventChain.FaultOf(head, First));
        Assert.Equal("sequence 2 follows 0", EventChain.FaultOf(HashChain.Empty, Second));
        Assert.StartsWith("previous hash", EventChain.FaultOf(head with { Hash = Second.Hash }, Second), StringComparison.Ordinal);
        EventRecord[] changed = [Second with { Type = "UpdateRejected" }, Second with { Body = "{}" }, Second with { At = First.At }, Second with { Hash = First.Hash }];
        Assert.All(changed, record => Assert.EndsWith("the hash of its content", EventChain.FaultOf(head, record), StringComparison.Ordinal));
    }
}
