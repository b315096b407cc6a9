using FlEvents.Learning;

namespace FlEvents.Standalone.Console;

/// <summary>Writes what is wrong with a run file, one line each.</summary>
public static class ErrorList
{
    /// <summary>Writes the lines <c>path: message</c> and returns the exit code that goes with them.</summary>
    public static int Write(TextWriter output, IEnumerable<SpecError> errors)
    {
        foreach (var error in errors)
        {
            output.WriteLine(error);
        }

        return ExitCode.BadInput;
    }
}
