using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.Aggregator.Rounds;

/// <summary>Whether an update is its client's own (docs/enrolment.md): the statement is made from the book, so one about another task does not hold.</summary>
public static class SignedUpdate
{
    // A task that is issued again keeps its reservation, which is the cohort's.
    private const int Attempt = 1;

    /// <param name="member">Whose key must have signed; one without a key need not.</param>
    /// <param name="exampleCount">The count that comes with the update.</param>
    /// <returns>What is wrong with the signature, a sentence; null when nothing is.</returns>
    public static string? Defect(Book book, BookMember member, RunSpec run, BlobRef update, UpdateSignature? signature, int? exampleCount)
    {
        if (member.KeySha256 is not { } key)
        {
            return null;
        }

        if (signature is null)
        {
            return $"{member.ClientId} has key {key}; expected an update that is signed with it.";
        }

        if (signature.ExampleCount != exampleCount)
        {
            return $"The update claims {Shown(exampleCount)} examples and its signature {Shown(signature.ExampleCount)}; expected the same.";
        }

        return ClientKey.IsSigned(StatementOf(book, member, run, update, signature).Text, signature.PublicKey, signature.Value, key)
            ? null
            : $"The signature of update {update.Sha256} is not that of key {key} over this task.";
    }

    /// <summary>What the client must have signed.</summary>
    public static UpdateStatement StatementOf(Book book, BookMember member, RunSpec run, BlobRef update, UpdateSignature signature) => new()
    {
        RunId = book.RunId,
        Round = book.Round,
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        Attempt = Attempt,
        BaseModelSha256 = book.BaseModel.Sha256,
        Update = update,
        ExampleCount = signature.ExampleCount,
        Privacy = PrivacyPlan.TaskOf(run, member.ExampleCount, book.Round),
        Nonce = signature.Nonce,
        IssuedAt = signature.IssuedAt,
    };

    private static string Shown(int? count) => count?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "no";
}
