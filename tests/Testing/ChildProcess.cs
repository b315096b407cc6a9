using System.Diagnostics;
using System.Globalization;

namespace FlEvents.Testing;

/// <summary>
/// A program started by a test, with its output captured. It and all that it started are killed on dispose, and when the test host dies.
/// Every wait is bounded; one that fails says what the program has written.
/// </summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    private const string HostVariable = "FLEVENTS_TEST_HOST";
    private const string ChildVariable = "FLEVENTS_TEST_CHILD";
    private const int LinesShown = 200;
    private static readonly TimeSpan KillTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);
    private static readonly Lazy<string> HostMark = new(MarkHost);

    private readonly Lock _lock = new();
    private readonly List<string> _output = [];
    private readonly List<(Func<string, bool> Matches, TaskCompletionSource<string> Found)> _waiting = [];
    private readonly Process _process;
    private readonly string _name;
    private readonly string _mark;
    private readonly Task<int> _ended;
    private bool _isDrained;

    private ChildProcess(Process process, string name, string mark)
    {
        _process = process;
        _name = name;
        _mark = mark;
        _ended = FollowAsync();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The lines written so far, of both streams in the order they came.</summary>
    public IReadOnlyList<string> Output
    {
        get
        {
            lock (_lock)
            {
                return [.. _output];
            }
        }
    }

    /// <summary>Starts a program; its standard input is empty.</summary>
    /// <param name="fileName">A path, or a name to be found in PATH.</param>
    /// <param name="arguments">Passed exactly.</param>
    /// <param name="environment">Added to this process's variables; a null value removes one.</param>
    /// <param name="workingDirectory">This process's own when null.</param>
    public static ChildProcess Start(
        string fileName,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(fileName, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        var id = Guid.NewGuid().ToString("N");
        start.Environment[HostVariable] = HostMark.Value;
        start.Environment[ChildVariable] = id;
        var process = Process.Start(start) ?? throw new InvalidOperationException($"'{fileName}' did not start.");
        process.StandardInput.Close();
        return new ChildProcess(process, Path.GetFileName(fileName), $"{ChildVariable}={id}");
    }

    /// <summary>The first line, written already or to come, that matches.</summary>
    /// <exception cref="TimeoutException">No such line in time.</exception>
    /// <exception cref="InvalidOperationException">The program ended without such a line.</exception>
    public async Task<string> WaitForLineAsync(Func<string, bool> matches, TimeSpan timeout)
    {
        TaskCompletionSource<string> found;
        lock (_lock)
        {
            if (_output.FirstOrDefault(matches) is { } line)
            {
                return line;
            }

            if (_isDrained)
            {
                throw new InvalidOperationException(WithOutput("ended without the line that was waited for"));
            }

            found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((matches, found));
        }

        return await BoundedAsync(found.Task, timeout, "the line that was waited for").ConfigureAwait(false);
    }

    /// <summary>The exit code, once the program has ended and its output is read.</summary>
    /// <exception cref="TimeoutException">It still runs.</exception>
    public Task<int> WaitForExitAsync(TimeSpan timeout) => BoundedAsync(_ended, timeout, "its end");

    /// <summary>Asks the program to end (SIGTERM) and returns its exit code.</summary>
    /// <exception cref="TimeoutException">It still runs.</exception>
    public Task<int> TerminateAsync(TimeSpan timeout)
    {
        Signal(Testing.Signal.Terminate);
        return WaitForExitAsync(timeout);
    }

    /// <summary>Kills the program (SIGKILL), not those it started, and waits until it is gone.</summary>
    public Task<int> KillAsync()
    {
        Signal(Testing.Signal.Kill);
        return WaitForExitAsync(KillTime);
    }

    /// <summary>Sends the program a signal; does nothing when it has ended.</summary>
    public void Signal(Signal signal)
    {
        if (!_process.HasExited)
        {
            MarkedProcesses.Signal(_process.Id, signal);
        }
    }

    /// <summary>Sends the signal to the program and to all that it started.</summary>
    public void SignalAll(Signal signal) => MarkedProcesses.Signal(_mark, signal);

    public async ValueTask DisposeAsync()
    {
        await MarkedProcesses.KillAsync(_mark).ConfigureAwait(false);
        await WaitForExitAsync(KillTime).ConfigureAwait(false);
        _process.Dispose();
        Show(WithOutput("was stopped"));
    }

    /// <summary>Adds to the output of the test that runs; does nothing in a program that is no test.</summary>
    partial void Show(string text);

    private static string MarkHost()
    {
        var id = Guid.NewGuid().ToString("N");
        HostEnd.Run(
            """
            for pass in 1 2 3; do
                for process in /proc/[0-9]*; do
                    if tr '\0' '\n' <"$process/environ" | grep -qxF "$1"; then kill -KILL "${process#/proc/}"; fi
                done
            done
            """,
            $"{HostVariable}={id}");
        return id;
    }

    private async Task<int> FollowAsync()
    {
        var reading = Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
        await _process.WaitForExitAsync().ConfigureAwait(false);

        // A process that outlives this one may hold its output open.
        await Task.WhenAny(reading, Task.Delay(DrainTime)).ConfigureAwait(false);
        lock (_lock)
        {
            _isDrained = true;
            foreach (var (_, found) in _waiting)
            {
                found.TrySetException(new InvalidOperationException(WithOutput("ended without the line that was waited for")));
            }

            _waiting.Clear();
        }

        return _process.ExitCode;
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (_lock)
            {
                _output.Add(line);
                foreach (var (matches, found) in _waiting)
                {
                    if (matches(line))
                    {
                        found.TrySetResult(line);
                    }
                }

                _waiting.RemoveAll(waiting => waiting.Found.Task.IsCompleted);
            }
        }
    }

    private async Task<T> BoundedAsync<T>(Task<T> task, TimeSpan timeout, string awaited)
    {
        try
        {
            return await task.WaitAsync(timeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(WithOutput(string.Create(CultureInfo.InvariantCulture, $"did not reach {awaited} within {timeout.TotalSeconds} s")));
        }
    }

    private string WithOutput(string what)
    {
        lock (_lock)
        {
            return $"'{_name}' {what}. The last of its output:\n{string.Join('\n', _output.TakeLast(LinesShown))}";
        }
    }
}
