using FlEvents.Kubernetes.Tests.Rules;

namespace FlEvents.Kubernetes.Tests;

/// <summary>Every overlay, as kustomize renders it, keeps every rule.</summary>
public sealed class OverlayTests
{
    private const string Local = "k8s/overlays/local";
    private const string Production = "k8s/overlays/production";
    private const string Silo = "k8s/overlays/silo";
    private const string HttpsEdge = "k8s/overlays/edge";
    private const string Restore = "k8s/restore";

    private static readonly Dictionary<string, Func<Manifest, IEnumerable<string>>> Rules = new()
    {
        [nameof(Confinement)] = Confinement.Check,
        [nameof(Resources)] = Resources.Check,
        [nameof(SingleWriter)] = SingleWriter.Check,
        [nameof(Scaling)] = Scaling.Check,
        [nameof(Names)] = Names.Check,
        [nameof(References)] = References.Check,
        [nameof(Endings)] = Endings.Check,
        [nameof(Probes)] = Probes.Check,
        [nameof(Settings)] = Settings.Check,
        [nameof(Network)] = Network.Check,
        [nameof(Exposures)] = Exposures.Check,
        [nameof(SignIns)] = SignIns.Check,
        [nameof(Edge)] = Edge.Check,
    };

    public static TheoryData<string, string> RulesOfOverlays =>
        [.. Kustomize.Cases(from folders in new[] { Local, Production, $"{Production} {Silo}", $"{Production} {Restore}", $"{Production} {HttpsEdge}" } from rule in Rules.Keys select (folders, rule))];

    public static IEnumerable<string> RuleNames => Rules.Keys;

    /// <param name="folders">Folders that are applied together.</param>
    [Theory, MemberData(nameof(RulesOfOverlays))]
    public async Task An_overlay_keeps_a_rule(string folders, string rule) => AssertNone(Rules[rule](await Kustomize.RenderAsync(folders.Split(' '))));

    [Theory, InlineData(Local, 10, 4), InlineData(Production, 10, 3), InlineData(Silo, 3, 1)]
    public async Task An_overlay_has_what_it_is_for(string folder, int leastPolicies, int services)
    {
        var manifest = await Kustomize.RenderAsync(folder);

        // A rule that finds nothing to look at holds too.
        Assert.True(manifest.OfKind("NetworkPolicy").Count() >= leastPolicies);
        Assert.Equal(services, manifest.OfKind("Service").Count());
        Assert.Contains(manifest.Pods, pod => pod.IsService);
    }

    [Fact]
    public async Task The_edge_is_one_way_in()
    {
        var manifest = await Kustomize.RenderAsync(HttpsEdge);

        Assert.Single(Assert.Single(manifest.OfKind("Gateway")).Spec.Objects("listeners"));
        Assert.Single(manifest.OfKind("HTTPRoute"));
        Assert.Single(manifest.OfKind("NetworkPolicy"));
    }

    [Theory, InlineData(Local, "HorizontalPodAutoscaler"), InlineData(Production, "ScaledObject")]
    public async Task Pool_workers_are_scaled(string folder, string kind)
    {
        var manifest = await Kustomize.RenderAsync(folder);

        var workers = Assert.Single(manifest.Pods, pod => pod.Owner.Name == "pool-worker");
        Assert.Equal(kind, Assert.Single(Scaling.ScalersOf(manifest, workers.Owner)).Kind);
    }

    [Fact]
    public async Task Dashboards_are_where_Grafana_looks_for_them()
    {
        var dashboards = (await Kustomize.RenderAsync(Production)).OfKind("ConfigMap").Where(map => map.Json.Text("metadata", "labels", "grafana_dashboard") == "1").ToList();

        // kubectl apply keeps a copy of each object in an annotation, and those have room for 256 KiB.
        const int LongestText = 240_000;
        Assert.All(dashboards, map => Assert.True(map.Json.ToJsonString().Length < LongestText, $"{map} is too large for kubectl apply."));
        Assert.Equal(["dashboard-messaging", "dashboard-privacy", "dashboard-training"], dashboards.Select(map => map.Name).Order());
    }

    internal static IEnumerable<string> Check(string rule, Manifest manifest) => Rules[rule](manifest);

    private static void AssertNone(IEnumerable<string> found) => Assert.True(!found.Any(), string.Join('\n', found));
}
