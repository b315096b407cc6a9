using FlEvents.Testing;

namespace FlEvents.Container.Tests;

/// <summary>The images of the five programs, on a base image made of Debian's packages, because no registry of images is asked here.</summary>
public sealed class Images : IAsyncLifetime
{
    private const string Base = "flevents-test/base:1";
    private const string Debootstrap = "/usr/sbin/debootstrap";

    // What the programs need, and the broker and Prometheus beside them.
    private const string Packages = "libstdc++6,ca-certificates,libssl3,rabbitmq-server,prometheus";

    /// <summary>Tag of each program's image, by its folder in <c>services/</c>.</summary>
    public static readonly IReadOnlyDictionary<string, string> Tags = new Dictionary<string, string>
    {
        ["Orchestrator"] = "flevents/orchestrator",
        ["Aggregator"] = "flevents/aggregator",
        ["PrivacyAccountant"] = "flevents/privacy-accountant",
        ["ClientWorker"] = "flevents/client-worker",
        ["Standalone"] = "flevents/cli",
    };

    private DockerEngine? _engine;
    private string? _missing;

    /// <summary>The engine, which has the images.</summary>
    public DockerEngine Engine
    {
        get
        {
            Assert.SkipWhen(_missing is not null, _missing ?? "");
            return _engine!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("FLEVENTS_FULL") != "1")
        {
            _missing = "Makes a base image and five images, which takes minutes: set FLEVENTS_FULL=1, or ./test.sh --full.";
            return;
        }

        _engine = await DockerEngine.StartAsync();
        _missing = _engine.Missing
            ?? (File.Exists(Debootstrap) ? null : "No debootstrap, which makes the base image: apt-get install --no-install-recommends debootstrap.");
        if (_missing is null)
        {
            await MakeBaseAsync();
            foreach (var (service, tag) in Tags)
            {
                await BuildAsync(service, tag);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }
    }

    private async Task MakeBaseAsync()
    {
        using var folder = new TemporaryFolder();
        var script = $"{Debootstrap} --variant=minbase --include={Packages} bookworm \"$1\" >\"$1.log\" 2>&1 || {{ tail -n 20 \"$1.log\"; exit 1; }}; tar -C \"$1\" -c . | docker import - {Base}";
        await Engine.RunAsync("bash", ["-o", "pipefail", "-c", script, "base", folder.File("root")]);
    }

    private async Task BuildAsync(string service, string tag)
    {
        // Compiled ahead of time only when that is asked for: it takes minutes and changes nothing but the start.
        var readyToRun = Environment.GetEnvironmentVariable("READY_TO_RUN") ?? "false";
        await Engine.RunAsync(Repository.File("deploy", "publish.sh"), [service], new Dictionary<string, string?> { ["READY_TO_RUN"] = readyToRun });
        await Engine.DockerAsync(
            "build", "--quiet", "--tag", tag, "--build-arg", $"SERVICE={service}", "--build-arg", "PROGRAM=published", "--build-arg", $"BASE_IMAGE={Base}", Repository.Root);
    }
}
