using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>Sends metrics and traces over OTLP where OpenTelemetry's own environment variables say so (docs/metrics.md); nothing is sent without them.</summary>
public sealed class Telemetry : IDisposable
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    private const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    private readonly TracerProvider? _traces;
    private readonly MeterProvider? _metrics;

    /// <param name="environment">Its application's name is the service's, unless <c>OTEL_SERVICE_NAME</c> is another.</param>
    public Telemetry(IHostEnvironment environment)
    {
        _traces = IsSet(TracesEndpoint)
            ? Sdk.CreateTracerProviderBuilder()
                .ConfigureResource(resource => Name(resource, environment))
                .AddSource(RoundTrace.SourceName, "MassTransit")
                .AddOtlpExporter()
                .Build()
            : null;
        _metrics = IsSet(MetricsEndpoint)
            ? Sdk.CreateMeterProviderBuilder()
                .ConfigureResource(resource => Name(resource, environment))
                .AddMeter("FlEvents.*")
                .AddOtlpExporter()
                .Build()
            : null;
    }

    /// <exception cref="OptionsValidationException">A variable names no address.</exception>
    internal static void Add(IServiceCollection services)
    {
        var wrong = new[] { Endpoint, TracesEndpoint, MetricsEndpoint }.Where(name => ValueOf(name) is { } value && !IsAddress(value)).ToList();
        if (wrong.Count > 0)
        {
            throw new OptionsValidationException(
                nameof(Telemetry), typeof(Telemetry), wrong.Select(name => $"{name} is \"{ValueOf(name)}\": expected an address such as http://collector:4317."));
        }

        if (IsSet(TracesEndpoint) || IsSet(MetricsEndpoint))
        {
            services.AddServiceMetrics<Telemetry>();
        }
    }

    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
    }

    private static void Name(ResourceBuilder resource, IHostEnvironment environment)
    {
        var isNamed = ValueOf("OTEL_SERVICE_NAME") is not null || ValueOf("OTEL_RESOURCE_ATTRIBUTES")?.Contains("service.name=", StringComparison.Ordinal) == true;
        if (!isNamed)
        {
            resource.AddService(environment.ApplicationName);
        }
    }

    private static bool IsSet(string signal) => ValueOf(Endpoint) is not null || ValueOf(signal) is not null;

    private static string? ValueOf(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static bool IsAddress(string value) => Uri.TryCreate(value, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);
}
