using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.Aggregator.Tests.Rounds;

/// <summary>The protocol under every repetition, order and loss of messages: invariants I5 and I6, and scenarios S13 and S15 to S19.</summary>
public class BookPropertyTests
{
    private static readonly string[] Clients = ["anna", "ben", "cem", "dora"];

    private static readonly object[] Pages =
    [
        Messages.Open(4, Messages.Member("anna"), Messages.Member("ben")),
        Messages.Open(4, Messages.Member("cem")),
        Messages.Open(4, Messages.Member("dora")),
    ];

    private static readonly Gen<object> Page = Gen.Frequency(
        (3, Gen.Elements(Pages)), (1, Gen.Elements(Clients).Select(client => (object)Messages.Open(4, Messages.Member(client, lease: 2)))));

    private static readonly Gen<object> Submission =
        from client in Gen.Frequency((9, Gen.Elements(Clients)), (1, Gen.Constant("zoe")))
        from hash in Gen.Elements("abc".ToCharArray())
        from lease in Gen.Frequency((4, Gen.Constant(1)), (2, Gen.Constant(2)), (1, Gen.Constant(3)))
        from examples in Gen.Frequency((9, Gen.Choose(1, 100)), (1, Gen.Elements(0, 101)))
        from flaw in Gen.Frequency((12, Gen.Constant(0)), (5, Gen.Choose(1, 5)))
        let message = Messages.Submit(client, Messages.Blob(hash), examples, lease)
        select (object)(flaw switch
        {
            1 => new Announced(message with { LeaseToken = "wrong" }, null),
            2 => new Announced(message with { ReservationId = Messages.Reservation("zoe") }, null),
            3 => new Announced(message with { RunId = Guid.Empty }, null),
            4 => new Announced(message with { BaseModelSha256 = new string('0', 64) }, null),
            5 => new Announced(message, new BlobDefect(RejectionCode.NotFinite, "NaN")),
            _ => new Announced(message, null),
        });

    private static readonly Gen<object> Step = Gen.Frequency(
        (4, Page),
        (10, Submission),
        (2, Gen.Choose(0, 4).Select(minimum => (object)Messages.Aggregate(minimum))),
        (2, Gen.Elements("de".ToCharArray()).Select(hash => (object)new Combined(Messages.Blob(hash)))),
        (2, Gen.Elements('d', 'e').Select(hash => (object)Messages.Committed(model: Messages.Blob(hash)))),
        (1, Gen.Constant((object)Messages.Abandoned())));

    /// <summary>Up to 50 messages and duplicates of any of them, strewn in anywhere; often with all pages at the start, so that much gets far.</summary>
    private static readonly Gen<object[]> Deliveries =
        from size in Gen.Choose(1, 50)
        from messages in Gen.ArrayOf(Step, size)
        from duplicates in Gen.ArrayOf(Gen.Elements(messages), size / 2)
        from order in Gen.Shuffle([.. messages, .. duplicates])
        from opened in Gen.Elements(true, false)
        select opened ? [.. Pages, .. order] : order;

    private static readonly Config FixedSeed = Config.QuickThrowOnFailure.WithReplay(2031, 1).WithMaxTest(1500);

    [Fact]
    public void The_counters_are_those_of_the_members() => AlwaysHolds(world =>
    {
        Assert.Equal(world.Members.Count, world.Book?.Members ?? 0);
        Assert.Equal(world.Members.Values.Count(member => member.State == BookMemberState.Admitted), world.Book?.Admitted ?? 0);
    });

    [Fact]
    public void A_client_is_in_the_manifest_at_most_once_and_is_told_so_once() => AlwaysHolds(world =>
    {
        Assert.All(world.Manifest.CountBy(update => update.ClientId), client => Assert.Equal(1, client.Value));
        Assert.Equal(
            world.Manifest.Select(update => (update.ClientId, update.Sha256)),
            world.Sent.OfType<UpdateAdmitted>().Select(admitted => (admitted.ClientId, admitted.UpdateSha256)).OrderBy(update => update.ClientId, StringComparer.Ordinal));
        Assert.All(world.Manifest, update => Assert.InRange(update.Weight!.Value, 1, 100));
    });

    [Fact]
    public void Nothing_leaves_a_final_state() => Prop.ForAll(Deliveries.ToArbitrary(), messages =>
    {
        var world = new BookWorld();
        Book? ended = null;
        var answered = new Dictionary<string, BookMember>();
        foreach (var message in messages)
        {
            world.Deliver(message);
            if (world.Book is { State: BookState.Released or BookState.Abandoned } final)
            {
                ended ??= final;
                Assert.Equal(ended with { Members = final.Members }, final);
            }

            foreach (var member in world.Members.Values.Where(member => member.State != BookMemberState.Open))
            {
                answered.TryAdd(member.ClientId, member);
                Assert.Equal(answered[member.ClientId], member);
            }
        }
    }).Check(FixedSeed);

    [Fact]
    public void The_admitted_set_is_fixed_once_the_book_is_frozen() => Prop.ForAll(Deliveries.ToArbitrary(), messages =>
    {
        var world = new BookWorld();
        IReadOnlyList<(string, string?, int?)>? frozen = null;
        foreach (var message in messages)
        {
            world.Deliver(message);
            if (world.Book is not null and not { State: BookState.Open })
            {
                frozen ??= world.Manifest;
                Assert.Equal(frozen, world.Manifest);
            }
        }
    }).Check(FixedSeed);

    [Fact]
    public void At_most_one_model_is_ever_named_and_it_is_published_at_most_once() => AlwaysHolds(world =>
    {
        var named = world.Sent.OfType<RoundAggregated>().Select(sent => sent.Model).Concat(world.Sent.OfType<ModelPublished>().Select(sent => sent.Model)).ToList();
        Assert.True(named.Count is 0 or 2);
        Assert.All(named, model => Assert.Equal(world.Book!.Result, model));
        Assert.True(world.Sent.OfType<CommitBudget>().Count() <= 1);
    });

    [Fact]
    public void The_first_model_that_was_made_stays() => Prop.ForAll(Deliveries.ToArbitrary(), messages =>
    {
        var world = new BookWorld();
        BlobRef? first = null;
        foreach (var message in messages)
        {
            world.Deliver(message);
            first ??= world.Book?.Result;
            Assert.Equal(first, world.Book?.Result);
        }
    }).Check(FixedSeed);

    [Fact]
    public void Nothing_is_published_before_a_receipt_that_came_after_the_ledger_was_asked() => Prop.ForAll(Deliveries.ToArbitrary(), messages =>
    {
        var world = new BookWorld();
        var paid = false;
        foreach (var message in messages)
        {
            paid |= message is BudgetCommitted && world.Sent.OfType<CommitBudget>().Any();
            world.Deliver(message);
            Assert.True(paid || !world.Sent.Any(sent => sent is RoundAggregated or ModelPublished));
            Assert.True(world.Book?.State != BookState.Released || (paid && world.Book.Receipt == Messages.Receipt));
            Assert.All(world.Sent.OfType<RoundAggregated>(), sent => Assert.Contains(messages.OfType<BudgetCommitted>(), answer => answer.ModelSha256 == sent.Model.Sha256));
        }
    }).Check(FixedSeed);

    [Fact]
    public void Once_all_pages_and_a_request_have_come_in_any_order_the_book_is_not_open() => Prop.ForAll(Deliveries.ToArbitrary(), messages =>
    {
        var world = new BookWorld();
        Array.ForEach([.. messages, .. Pages], world.Deliver);
        var asked = messages.Any(message => message is AggregateRound or RoundAbandoned);

        Assert.Equal(asked, world.Book!.State != BookState.Open);
        Assert.DoesNotContain(world.Early, message => message is AggregateRound or RoundAbandoned);
    }).Check(FixedSeed);

    [Fact]
    public void Good_updates_that_come_before_the_request_are_all_admitted_wherever_the_pages_come() => Prop.ForAll(Honest.ToArbitrary(), messages =>
    {
        var world = new BookWorld();
        Array.ForEach(messages, world.Deliver);

        Assert.Equal(BookState.Frozen, world.Book!.State);
        Assert.Equal(Clients, world.Manifest.Select(update => update.ClientId));
        Assert.Equal(4, world.Sent.Count);
    }).Check(FixedSeed);

    /// <summary>Each client's one update, duplicated, then the request; the pages anywhere among them.</summary>
    private static Gen<object[]> Honest =>
        from updates in Gen.Shuffle(Clients.Concat(Clients).Select(client => (object)new Announced(Messages.Submit(client, Messages.Blob(client[0])), null)).ToArray())
        from places in Gen.ArrayOf(Gen.Choose(0, 9), Pages.Length)
        select Pages.Zip(places).Aggregate((object[])[.. updates, Messages.Aggregate(4)], (all, page) => [.. all[..page.Second], page.First, .. all[page.Second..]]);

    private static void AlwaysHolds(Action<BookWorld> holds) => Prop.ForAll(Deliveries.ToArbitrary(), messages =>
    {
        var world = new BookWorld();
        foreach (var message in messages)
        {
            world.Deliver(message);
            holds(world);
        }
    }).Check(FixedSeed);
}
