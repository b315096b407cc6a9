using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests.Testing;

public sealed class ChildProcessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Arguments_and_variables_arrive_exactly_and_both_streams_are_captured()
    {
        await using var child = Shell("printf '%s\\n' \"$1\" \"$GIVEN\"; echo problem >&2; exit 3", ["a b * \"c\""], new() { ["GIVEN"] = "x=y" });

        Assert.Equal(3, await child.WaitForExitAsync(Patience));
        Assert.Equal(["a b * \"c\"", "problem", "x=y"], child.Output.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_line_is_found_whether_written_before_or_after()
    {
        await using var child = Shell("echo ready; read nothing; sleep 60");

        Assert.Equal("ready", await child.WaitForLineAsync(line => line == "ready", Patience));
        Assert.Equal("ready", await child.WaitForLineAsync(line => line == "ready", Patience));
    }

    [Fact]
    public async Task A_program_that_ends_without_the_line_fails_the_wait_and_shows_its_output()
    {
        await using var child = Shell("echo what went wrong; exit 1");

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => child.WaitForLineAsync(line => line == "ready", Patience));

        Assert.Contains("what went wrong", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_is_bounded()
    {
        await using var child = Shell("echo still here; sleep 60");
        await child.WaitForLineAsync(line => line == "still here", Patience);

        var error = await Assert.ThrowsAsync<TimeoutException>(() => child.WaitForExitAsync(TimeSpan.FromMilliseconds(50)));

        Assert.Contains("still here", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_may_end_in_order_on_SIGTERM_and_has_no_choice_on_SIGKILL()
    {
        await using var orderly = Shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
        await orderly.WaitForLineAsync(line => line == "ready", Patience);
        Assert.Equal(7, await orderly.TerminateAsync(Patience));
        Assert.Contains("bye", orderly.Output);

        await using var killed = Shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
        await killed.WaitForLineAsync(line => line == "ready", Patience);
        Assert.Equal(128 + (int)Signal.Kill, await killed.KillAsync());
    }

    [Fact]
    public async Task Dispose_also_kills_a_daemon_that_has_left_the_program()
    {
        int daemon;
        await using (var child = Shell("setsid sh -c 'echo $$; exec sleep 60' & wait"))
        {
            daemon = int.Parse(await child.WaitForLineAsync(line => int.TryParse(line, out _), Patience), null);
            await child.KillAsync();
            Assert.True(IsRunning(daemon));
        }

        Assert.False(IsRunning(daemon));
    }

    private static ChildProcess Shell(string script, string[]? arguments = null, Dictionary<string, string?>? environment = null) =>
        ChildProcess.Start("/bin/sh", ["-c", script, "sh", .. arguments ?? []], environment);

    /// <summary>A zombie, ended but not yet collected by its parent, has no memory and so no command line.</summary>
    private static bool IsRunning(int processId) =>
        File.Exists($"/proc/{processId}/cmdline") && File.ReadAllText($"/proc/{processId}/cmdline").Length > 0;
}
