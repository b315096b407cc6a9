using FlEvents.Contracts;
using FlEvents.Learning.Randomness;
using FlEvents.Orchestrator.Rounds;
using FsCheck;
using FsCheck.Fluent;
using static FlEvents.Orchestrator.Tests.Rounds.Messages;

namespace FlEvents.Orchestrator.Tests.Rounds;

/// <summary>The round under messages that come in any order, several times or not at all.</summary>
public class RoundProtocolPropertyTests
{
    private const int Clients = 4;

    [Fact]
    public void Counters_agree_with_the_members_and_final_states_stay_whatever_comes()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var world = new World(SeededRandom.Derive(seed, "messages"));
            for (var step = 0; step < 200; step++)
            {
                var before = (world.Round, Members: world.Members.ToArray());
                world.Step();
                world.CheckCounters();
                CheckFinality(before.Round, world.Round);
                for (var i = 0; i < Clients; i++)
                {
                    CheckFinality(before.Members[i], world.Members[i]);
                }
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_round_is_charged_before_it_is_dispatched_aggregated_once_and_refunds_only_what_no_worker_had()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var world = new World(SeededRandom.Derive(seed, "messages"));
            for (var step = 0; step < 200; step++)
            {
                world.Step();
            }

            Assert.True(world.Sent.OfType<AggregateRound>().Count() <= 1);
            Assert.True(world.Sent.OfType<RoundStarted>().Count() <= 1);
            Assert.All(world.Dispatched, clientId => Assert.Contains(clientId, world.Charged));
            var refunds = world.Sent.OfType<RefundBudget>().Select(refund => refund.ClientId).ToList();
            Assert.Equal(refunds.Distinct().Count(), refunds.Count);
            Assert.DoesNotContain(refunds, world.Leased.Contains);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_message_that_comes_again_at_once_changes_nothing()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var world = new World(SeededRandom.Derive(seed, "messages"));
            for (var step = 0; step < 100; step++)
            {
                var repeat = world.Step();
                var after = (world.Round, Members: world.Members.ToArray(), world.Sent.Count);
                repeat();
                Assert.Equal(after.Round, world.Round);
                Assert.Equal(after.Members, world.Members);
                Assert.Equal(after.Count, world.Sent.Count);
            }
        }).QuickCheckThrowOnFailure();
    }

    private static void CheckFinality(Round before, Round after)
    {
        if (before.IsFinal)
        {
            Assert.Equal((before.State, before.Model, before.EndedAt), (after.State, after.Model, after.EndedAt));
        }
    }

    private static void CheckFinality(Member before, Member after)
    {
        if (before.State is MemberState.Admitted or MemberState.Rejected or MemberState.Refused or MemberState.Failed)
        {
            Assert.True(before == after || (before.State == MemberState.Failed && after.State == MemberState.Admitted), $"{before} became {after}.");
        }
    }

    /// <summary>A round and its members under random messages, each of which may be a duplicate, late or out of order.</summary>
    private sealed class World
    {
        private readonly SeededRandom _random;
        private DateTimeOffset _now = Start;

        public World(SeededRandom random)
        {
            _random = random;
            Round = Round(Clients, minimumReports: 1 + random.NextInt(Clients), target: random.NextInt(3) == 0 ? 2 : null);
            Members = [.. Enumerable.Range(0, Clients).Select(i => Member(Round, i))];
        }

        public Round Round { get; private set; }
        public Member[] Members { get; }
        public List<object> Sent { get; } = [];
        public HashSet<string> Charged { get; } = [];
        public HashSet<string> Dispatched { get; } = [];

        /// <summary>Clients whose lease the round has seen accepted.</summary>
        public HashSet<string> Leased { get; } = [];

        /// <returns>The same message once more.</returns>
        public Action Step()
        {
            _now += TimeSpan.FromSeconds(_random.NextInt(20));
            var (kind, index, lease) = (_random.NextInt(17), _random.NextInt(Clients), 1 + _random.NextInt(3));
            Apply(kind, index, lease);
            return () => Apply(kind, index, lease);
        }

        public void CheckCounters()
        {
            Assert.Equal(Round.CohortSize, Round.Planned + Round.Open + Round.Refused + Round.Admitted + Round.Rejected);
            Assert.Equal(Members.Count(member => member.State == MemberState.Planned), Round.Planned);
            Assert.Equal(Members.Count(member => member.IsOpen), Round.Open);
            Assert.Equal(Members.Count(member => member.State == MemberState.Admitted), Round.Admitted);
            Assert.Equal(Members.Count(member => member.State is MemberState.Rejected or MemberState.Late), Round.Rejected);
            Assert.Equal(Members.Count(member => member.State is MemberState.Refused or MemberState.Failed), Round.Refused);
        }

        private void Apply(int kind, int index, int lease)
        {
            var member = Members[index];
            Take(index, kind switch
            {
                0 or 1 => RoundProtocol.OnReserved(Round, member),
                2 => RoundProtocol.OnBudgetRefused(Round, member, new ClientRefusal { ClientId = member.ClientId, ReasonCode = "SPENT", Detail = "…" }),
                3 => RoundProtocol.OnLedgerAnswered(Round, Deadline, _now),
                4 or 5 => RoundProtocol.OnDispatched(Round, member),
                6 or 7 => RoundProtocol.OnLease(Round, member, lease, Lease, _now),
                8 => RoundProtocol.OnTrainingRefused(Round, member, Refused(member, lease)),
                9 => RoundProtocol.OnTrainingInterrupted(Round, member, Interrupted(member, lease switch { 1 => "STOPPING", 2 => "LEASE_LOST", _ => "FAILED" }, lease), Context($"token-{member.LeaseNumber + 1}", _now)),
                10 => RoundProtocol.OnLeaseEnded(Round, member, Context($"token-{member.LeaseNumber + 1}", _now)),
                11 => RoundProtocol.OnUpdateAdmitted(Round, member, Admitted(member)),
                12 => RoundProtocol.OnUpdateRejected(Round, member, Rejected(member, isFinal: lease == 1), Context("", _now)),
                13 => RoundProtocol.OnProgress(Round, _now),
                17 => RoundProtocol.OnUpdateRejected(Round, member, Late(member), LateContext(_now)),
                14 => RoundProtocol.OnAggregated(Round, Aggregated(Round), _now),
                15 => RoundProtocol.OnAbandoned(Round, Messages.Abandoned(Round), _now),
                _ => RoundProtocol.OnNeverDispatched(Round, member),
            });
        }

        private void Take(int index, RoundDecision decision)
        {
            Round = decision.Round;
            if (decision.Member is { } member)
            {
                Members[index] = member;
                Note(member);
            }

            Sent.AddRange(decision.Messages);
        }

        private void Note(Member member)
        {
            if (member.State == MemberState.Waiting)
            {
                Charged.Add(member.ClientId);
            }

            if (member.State == MemberState.Dispatched)
            {
                Dispatched.Add(member.ClientId);
            }

            if (member.State == MemberState.Accepted)
            {
                Leased.Add(member.ClientId);
            }
        }
    }
}
