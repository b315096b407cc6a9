using FlEvents.Contracts;

namespace FlEvents.Explorer.Tests.Moves;

/// <summary>Moves in words.</summary>
internal static class MoveText
{
    public static string Of(Transitions transitions, Move move) => move.Kind switch
    {
        MoveKind.Deliver or MoveKind.SendAgain or MoveKind.TakeAndDie or MoveKind.OpenModelAndDie => $"{move.Kind}: {Message(transitions, move)}",
        MoveKind.Combine or MoveKind.Name => $"{move.Kind}: round {move.Subject + 1}",
        MoveKind.Tick or MoveKind.Wait or MoveKind.PassDeadline or MoveKind.AggregatorDies => $"{move.Kind}",
        MoveKind.Stop => $"{move.Kind}: worker {move.Worker + 1}",
        MoveKind.EndLease or MoveKind.LoseLease => $"{move.Kind}: task {move.Subject + 1}",
        _ => $"{move.Kind}: task {move.Subject + 1}, worker {move.Worker + 1}",
    };

    private static string Message(Transitions transitions, Move move)
    {
        var (queue, message) = transitions.Mail.Messages[move.Subject];
        var about = message switch
        {
            TrainClient m => $" of {m.ClientId}, lease {m.LeaseNumber}, to worker {move.Worker + 1}",
            TrainingAccepted m => $" of {m.ClientId}, lease {m.LeaseNumber}",
            TrainingRefused m => $" of {m.ClientId}, {m.ReasonCode}",
            TrainingInterrupted m => $" of {m.ClientId}, {m.ReasonCode}",
            UpdateSubmitted m => $" of {m.ClientId}, lease {m.LeaseNumber}, update {m.Update.Sha256[..8]}",
            UpdateAdmitted m => $" of {m.ClientId}",
            UpdateRejected m => $" of {m.ClientId}, {m.ReasonCode}",
            RefundBudget m => $" of {m.ClientId}, {m.ReasonCode}",
            BudgetReserved m => $" of {string.Join(", ", m.ClientIds)}",
            OpenRound m => $" with {string.Join(", ", m.Members.Select(member => $"{member.ClientId} at lease {member.LeaseNumber}"))}",
            _ => "",
        };
        return $"{message.GetType().Name}{about} (run {RunOf(message)}) by {queue}";
    }

    private static string RunOf(object message) => message.GetType().GetProperty("RunId")?.GetValue(message) is Guid runId ? runId.ToString()[^1..] : "-";
}
