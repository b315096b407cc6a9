using System.ComponentModel;
using FlEvents.Testing;

namespace FlEvents.Container.Tests;

/// <summary>
/// A Docker engine: the one that answers, else Debian's as a child process with everything in a temporary folder. Where there is none, a test that touches it
/// is skipped with the reason.
/// </summary>
public sealed class DockerEngine : IAsyncDisposable
{
    // Debian's client builds with BuildKit by itself; others need a plugin for it.
    private const string DebianClient = "/usr/bin/docker";
    private const string Daemon = "/usr/sbin/dockerd";
    private static readonly TimeSpan AskTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongestCommand = TimeSpan.FromMinutes(10);
    private static readonly string Client = File.Exists(DebianClient) ? DebianClient : "docker";

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string?> _environment = new() { ["DOCKER_BUILDKIT"] = "1" };
    private ChildProcess? _daemon;

    /// <summary>What is missing; null when the engine answers.</summary>
    public string? Missing { get; private set; }

    public static async Task<DockerEngine> StartAsync()
    {
        var engine = new DockerEngine();
        engine.Missing = await engine.MissingAsync();
        return engine;
    }

    /// <summary>Runs the Docker client to its end.</summary>
    /// <returns>What it has written.</returns>
    public Task<string> DockerAsync(params IEnumerable<string> arguments) => RunAsync(Client, arguments);

    /// <summary>Runs the Docker client, or another program that talks to the engine, to its end, which must be a good one.</summary>
    public async Task<string> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? more = null)
    {
        var (exitCode, output) = await TryAsync(program, arguments, more);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {exitCode}:\n{output}");
        return output;
    }

    /// <inheritdoc cref="RunAsync"/>
    /// <returns>Exit code, and what it has written.</returns>
    public async Task<(int ExitCode, string Output)> TryAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? more = null)
    {
        await using var process = ChildProcess.Start(program, arguments, new Dictionary<string, string?>([.. _environment, .. more ?? new Dictionary<string, string?>()]), Repository.Root);
        var exitCode = await process.WaitForExitAsync(LongestCommand);
        return (exitCode, string.Join('\n', process.Output));
    }

    /// <inheritdoc cref="TryAsync"/>
    public Task<(int ExitCode, string Output)> TryDockerAsync(params IEnumerable<string> arguments) => TryAsync(Client, arguments);

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            // In order: what is killed leaves mounts behind.
            await _daemon.TerminateAsync(StartTime);
            await _daemon.DisposeAsync();

            // A container on the machine's own network leaves this mount behind, where there was one.
            await using var unmount = ChildProcess.Start("umount", ["--quiet", _folder.File("exec", "netns", "default")]);
            await unmount.WaitForExitAsync(AskTime);
        }

        _folder.Dispose();
    }

    private async Task<string?> MissingAsync()
    {
        if (await AnswersAsync())
        {
            return null;
        }

        if (!File.Exists(Daemon) || Environment.UserName != "root")
        {
            return "No Docker engine answers: start one, or as root install Debian's (apt-get install --no-install-recommends docker.io docker-compose).";
        }

        var socket = $"unix://{_folder.File("docker.sock")}";
        _environment["DOCKER_HOST"] = socket;
        _daemon = ChildProcess.Start(Daemon, ["--host", socket, "--data-root", _folder.File("data"), "--exec-root", _folder.File("exec"), "--pidfile", _folder.File("docker.pid")]);
        try
        {
            await _daemon.WaitForLineAsync(line => line.Contains("API listen on", StringComparison.Ordinal), StartTime);
            return null;
        }
        catch (TimeoutException e)
        {
            return $"Debian's Docker engine did not start: {e.Message}";
        }
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await using var asked = ChildProcess.Start(Client, ["version"]);
            return await asked.WaitForExitAsync(AskTime) == 0;
        }
        catch (Exception e) when (e is Win32Exception or TimeoutException)
        {
            return false;
        }
    }
}
