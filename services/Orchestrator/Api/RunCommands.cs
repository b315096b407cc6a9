using System.Security.Cryptography;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Edge;
using FlEvents.Orchestrator.Events;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Api;

/// <summary>How a request to create a run ended.</summary>
/// <param name="Created">False when the idempotency key had made the run already.</param>
/// <param name="Conflict">Whether the key had made a run from another request.</param>
public record RunCreation(Run Run, bool Created, bool Conflict);

/// <summary>What an operator may do to runs and clients; each one transaction.</summary>
public sealed class RunCommands(OrchestratorDatabase database, RoundTransactions rounds, ProgressSignals progress)
{
    /// <summary>Creates a run; with a key that was used before, finds the run it made.</summary>
    public Task<RunCreation> CreateAsync(RunSpec spec, string? idempotencyKey, CancellationToken cancellationToken)
    {
        var runId = Guid.CreateVersion7();
        var request = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(spec, RunStore.Json)));
        return database.WriteAsync(
            transaction =>
            {
                if (idempotencyKey is not null && RunStore.FindByKey(transaction, idempotencyKey) is { } known)
                {
                    return new RunCreation(known.Run, Created: false, Conflict: known.RequestSha256 != request);
                }

                var run = new Run { RunId = runId, Spec = spec, State = RunState.Preparing, CreatedAt = transaction.Now };
                RunStore.Insert(transaction, run, idempotencyKey, request);
                var create = new CreateModel { RunId = runId, Run = spec };
                EventLog.Append(transaction, create);
                transaction.Send(create);
                return new RunCreation(run, Created: true, Conflict: false);
            },
            cancellationToken);
    }

    /// <summary>Plans no further round until the run is resumed; the open one ends as usual.</summary>
    public Task<Run?> PauseAsync(Guid runId, CancellationToken cancellationToken) => ChangeAsync(runId, (_, run) => RunProtocol.OnPause(run).Run, cancellationToken);

    public Task<Run?> ResumeAsync(Guid runId, CancellationToken cancellationToken) => ChangeAsync(runId, (_, run) => RunProtocol.OnResume(run).Run, cancellationToken);

    /// <summary>Ends the run: its open round is abandoned, unless it is being aggregated already and ends first.</summary>
    public Task<Run?> StopAsync(Guid runId, CancellationToken cancellationToken) => ChangeAsync(runId, (_, run) => RunProtocol.OnStop(run), cancellationToken);

    /// <summary>Removes a client: it is drawn no more, its blobs and waiting tasks are dropped. Its ledger is kept.</summary>
    /// <returns>Whether the client was enrolled.</returns>
    public Task<bool> LeaveAsync(string clientId, CancellationToken cancellationToken) => database.WriteAsync(transaction => Leave(transaction, clientId), cancellationToken);

    /// <summary>As <see cref="LeaveAsync"/>, as part of what else is done to the client.</summary>
    internal bool Leave(Transaction transaction, string clientId)
    {
        if (!ClientStore.Leave(transaction, clientId))
        {
            return false;
        }

        EnrolmentStore.Revoke(transaction, clientId);
        transaction.Send(new ClientLeft { ClientId = clientId });
        DropWaiting(transaction, clientId);
        return true;
    }

    /// <summary>Drops a client's tasks that were not sent yet; their charges go back.</summary>
    internal void DropWaiting(Transaction transaction, string clientId)
    {
        foreach (var roundId in MemberStore.WaitingRounds(transaction, clientId))
        {
            rounds.In(transaction).OnClientLeft(roundId, clientId);
        }
    }

    private Task<Run?> ChangeAsync(Guid runId, Func<Transaction, Run, Run> change, CancellationToken cancellationToken) => database.WriteAsync(
        transaction =>
        {
            if (RunStore.Find(transaction, runId) is not { } run)
            {
                return null;
            }

            var changed = change(transaction, run);
            if (changed != run)
            {
                RunStore.Update(transaction, changed);
                if (changed.StopRequested)
                {
                    rounds.In(transaction).StopRound(changed);
                }
                else
                {
                    rounds.In(transaction).Continue(runId);
                }

                transaction.OnCommitted(() => progress.Changed(runId));
            }

            return RunStore.Find(transaction, runId);
        },
        cancellationToken);
}
