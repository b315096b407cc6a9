using FlEvents.ClientWorker.Training;

namespace FlEvents.ClientWorker.Policy;

/// <summary>
/// The owner's policy as its file has it now: looked at before every decision, so that a change holds at once and a restart is not needed. While the file can't
/// be read, or is no policy, nothing is allowed.
/// </summary>
/// <param name="path">Null where the owner has none.</param>
public sealed partial class PolicyFile(string? path, ILogger<PolicyFile> log)
{
    private readonly Lock _lock = new();
    private byte[]? _text;
    private Reading _reading = new(OwnerPolicy.Open, null);

    /// <summary>The policy that holds now, or why there is none.</summary>
    public (OwnerPolicy? Policy, TaskEnd? Fault) Current()
    {
        if (path is null)
        {
            return (OwnerPolicy.Open, null);
        }

        lock (_lock)
        {
            var before = _reading;
            try
            {
                // Its bytes and not its time: a file that is put in place of another, or behind a link, may be older. It is small.
                var text = File.ReadAllBytes(path);
                if (_text is null || !text.AsSpan().SequenceEqual(_text))
                {
                    (_text, _reading) = (text, Of(PolicyReader.Read(text)));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                (_text, _reading) = (null, new Reading(null, e.Message));
            }

            Tell(before);
            return _reading.Policy is { } policy
                ? (policy, null)
                : (null, PolicyRule.Broken(PolicyRule.File, "The owner's policy can't be read now, so nothing is allowed; the worker's log says why."));
        }
    }

    /// <summary>Everything that is wrong with a file, each a sentence.</summary>
    public static IReadOnlyList<string> Check(string path)
    {
        try
        {
            return PolicyReader.Read(File.ReadAllBytes(path)).Errors;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [e.Message];
        }
    }

    private static Reading Of((OwnerPolicy? Policy, IReadOnlyList<string> Errors) read) =>
        new(read.Policy, read.Policy is null ? string.Join(" ", read.Errors) : null);

    private void Tell(Reading before)
    {
        if (_reading.Fault is { } fault && fault != before.Fault)
        {
            LogFault(path!, fault);
        }
        else if (_reading.Policy is not null && _reading != before)
        {
            LogRead(path!);
        }
    }

    /// <summary>What the file gave: a policy or a fault.</summary>
    private sealed record Reading(OwnerPolicy? Policy, string? Fault);

    [LoggerMessage(LogLevel.Information, "The owner's policy of {path} holds from now on.")]
    private partial void LogRead(string path);

    [LoggerMessage(LogLevel.Error, "The owner's policy of {path} can't be read; until it can every task is refused. {fault}")]
    private partial void LogFault(string path, string fault);
}
