using System.Buffers;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlEvents.Orchestrator.Api;

/// <summary>Reads a run from the body of a request, with all that is wrong with it.</summary>
public static class RunRequest
{
    /// <returns>The run, or the answer to who sent it; one of them is null.</returns>
    public static async Task<(RunSpec? Spec, Results<ProblemHttpResult, ValidationProblem>? Refusal)> ReadAsync(
        HttpRequest request, OrchestratorDatabase database, CancellationToken cancellationToken)
    {
        if (await ReadBodyAsync(request, cancellationToken) is not { } body)
        {
            return (null, TypedResults.Problem($"The body is larger than {SpecReader.MaximumBytes} bytes.", statusCode: StatusCodes.Status413PayloadTooLarge));
        }

        var reading = RunSpecReader.Read(body);
        if (reading.Spec is not { } spec)
        {
            return (null, TypedResults.ValidationProblem(reading.Errors.GroupBy(error => error.Path).ToDictionary(
                errors => errors.Key, errors => errors.Select(error => error.Message).ToArray())));
        }

        var enrolled = database.Read(transaction => ClientStore.All(transaction, TimeSpan.Zero)).SelectMany(client => client.DataSets);
        return EnrolledUnits.Check(spec.Data, enrolled) is { } mismatch
            ? (null, TypedResults.ValidationProblem(new Dictionary<string, string[]> { [mismatch.Path] = [mismatch.Message] }))
            : (spec, null);
    }

    // Grows with what has come: a connection that sends nothing must not cost a megabyte.
    private static async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        const int Piece = 4096;
        var body = new ArrayBufferWriter<byte>();
        while (await request.Body.ReadAsync(body.GetMemory(Piece), cancellationToken) is > 0 and var length)
        {
            body.Advance(length);
            if (body.WrittenCount > SpecReader.MaximumBytes)
            {
                return null;
            }
        }

        // The cast matters: null alone would become an empty Memory<byte>.
        return (ReadOnlyMemory<byte>?)body.WrittenMemory;
    }
}
