using FlEvents.Testing;

namespace FlEvents.Kubernetes.Tests;

/// <summary>What the autoscaler counts, asked of Prometheus' own test tool.</summary>
public sealed class TriggerTests
{
    /// <summary>Three pool tasks wait, and two workers train three; a silo's tasks are not the pool's. Later there is no series at all.</summary>
    [Fact]
    public async Task The_trigger_counts_the_pools_tasks_that_wait_or_run()
    {
        var manifest = await Kustomize.RenderAsync("k8s/overlays/production");
        var query = Assert.Single(Assert.Single(manifest.OfKind("ScaledObject")).Spec.Objects("triggers")).Text("metadata", "query");
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("test.yaml"), $$"""
            tests:
              - interval: 1m
                input_series:
                  - {series: 'fl_training_tasks_waiting{job="orchestrator",queue="fl-pool-wards"}', values: '3 _'}
                  - {series: 'fl_training_tasks_waiting{job="orchestrator",queue="fl-silo-hillcrest"}', values: '20 _'}
                  - {series: 'fl_training_tasks_running{job="pool-worker",instance="a"}', values: '2 _'}
                  - {series: 'fl_training_tasks_running{job="pool-worker",instance="b"}', values: '1 _'}
                  - {series: 'fl_training_tasks_running{job="silo-worker"}', values: '30 _'}
                promql_expr_test:
                  - {expr: '{{query}}', eval_time: 0m, exp_samples: [{labels: '{}', value: 6}]}
                  - {expr: '{{query}}', eval_time: 30m, exp_samples: [{labels: '{}', value: 0}]}
            """);

        var result = await Programs.RunAsync("promtool", ["test", "rules", folder.File("test.yaml")]);

        Assert.SkipWhen(result is null, "promtool is not installed (Debian package prometheus).");
        Assert.True(result!.Value.ExitCode == 0, $"{result.Value.Output}{result.Value.Errors}");
    }
}
