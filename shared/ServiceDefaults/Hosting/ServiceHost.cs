using FlEvents.ServiceDefaults.Backup;
using FlEvents.ServiceDefaults.Metrics;
using FlEvents.ServiceDefaults.Quarantine;
using FlEvents.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace FlEvents.ServiceDefaults.Hosting;

/// <summary>What every service's host has: time, health, metrics, errors as problem details, and a clear end when an option is wrong.</summary>
public static class ServiceHost
{
    /// <summary>Exit code for options or input that a person has to correct.</summary>
    public const int BadInput = 2;

    /// <summary>Builds and runs a service until it is told to stop.</summary>
    /// <param name="defaultPort">Port on loopback where <c>ASPNETCORE_URLS</c> names no address.</param>
    /// <returns>The process's exit code.</returns>
    public static async Task<int> RunAsync(string[] args, int defaultPort, Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        if (args is [BillOfMaterials.Argument])
        {
            Console.WriteLine(BillOfMaterials.OfThisProgram());
            return 0;
        }

        try
        {
            var builder = WebApplication.CreateBuilder(args);
            if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey]))
            {
                builder.WebHost.UseUrls($"http://127.0.0.1:{defaultPort}");
            }

            // Four lines for every request otherwise, and one for every connection that is turned away; first in order, so that any other setting overrules it.
            builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
            {
                InitialData = [new("Logging:LogLevel:Microsoft.AspNetCore", "Warning"), new("Logging:LogLevel:Microsoft.AspNetCore.Server.Kestrel.Connections", "Error"),
                    // A line for every caller who is turned away: a counter and the audit log tell of them, and strangers must not fill a disk.
                    new($"Logging:LogLevel:{typeof(ApiKeyHandler).FullName}", "Warning"),
                    new("Logging:Console:FormatterName", PrintableConsole.FormatterName),
                    // Says at every probe what the service has said once.
                    new("Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks", "None")],
            });
            SecretFiles.Add(builder.Configuration);
            PrintableConsole.Add(builder.Logging);
            builder.AddServiceDefaults();
            add(builder);
            await using var app = builder.Build();
            app.MapServiceDefaults();
            map(app);
            await app.RunAsync();
            return 0;
        }
        catch (OptionsValidationException e)
        {
            return Report(e.Failures);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            return Report([e.Message]);
        }
        catch (InvalidOperationException e) when (e.Source == "Microsoft.Extensions.Configuration.Binder")
        {
            return Report([e.Message]);
        }
    }

    public static void AddServiceDefaults(this IHostApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddProblemDetails();

        // A key that comes twice has one value for us and may have had another for whoever looked before.
        // And a null is none where a record says that there is a value.
        builder.Services.ConfigureHttpJsonOptions(json => (json.SerializerOptions.AllowDuplicateProperties, json.SerializerOptions.RespectNullableAnnotations) = (false, true));
        HttpLimits.Add(builder.Services);
        Access.Add(builder.Services);
        builder.Services.AddHealthChecks();
        builder.Services.AddSingleton<PrometheusText>();
        Telemetry.Add(builder.Services);
        builder.Services.AddServiceMetrics<DatabaseMetrics>();
        builder.Services.AddSingleton<Backups>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(45));
    }

    /// <summary><c>/health</c> asks everything the service needs, the broker too; <c>/alive</c> only whether the process answers.</summary>
    /// <exception cref="OptionsValidationException">Options are wrong: it has all that is wrong with all of them.</exception>
    public static void MapServiceDefaults(this WebApplication app)
    {
        Validate(app.Services);
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            // A body that is too large or comes too slowly is the caller's fault, wherever it is read.
            StatusCodeSelector = exception => exception is BadHttpRequestException refused ? refused.StatusCode : StatusCodes.Status500InternalServerError,
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException,
        });
        app.UseStatusCodePages();
        Access.Use(app);
        app.Use(RefuseUnknownEncoding);
        app.Services.GetRequiredService<PrometheusText>().Start();
        app.MapHealthChecks("/health").AllowAnonymous().DisableRateLimiting();
        app.MapHealthChecks("/alive", new HealthCheckOptions { Predicate = _ => false }).AllowAnonymous().DisableRateLimiting();
        app.MapGet("/metrics", (PrometheusText metrics) => Results.Text(metrics.Write(), PrometheusText.ContentType)).ExcludeFromDescription().AllowAnonymous().DisableRateLimiting();
        Auditing.Map(app);
        app.MapQuarantine();
        app.MapBackup();
    }

    // Whoever reads JSON would throw, and be told to have failed.
    private static Task RefuseUnknownEncoding(HttpContext http, RequestDelegate next) =>
        MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) && type.Charset.HasValue && type.Encoding is null
            ? Results.Problem($"The body is said to be in {type.Charset}, which is not known here; expected utf-8.", statusCode: StatusCodes.Status415UnsupportedMediaType).ExecuteAsync(http)
            : next(http);

    // Before anything is made of the options, and what is wrong in several sections at once.
    private static void Validate(IServiceProvider services)
    {
        try
        {
            services.GetRequiredService<IStartupValidator>().Validate();
        }
        catch (AggregateException e) when (e.InnerExceptions.All(inner => inner is OptionsValidationException))
        {
            throw new OptionsValidationException(Options.DefaultName, typeof(ServiceHost), e.InnerExceptions.Cast<OptionsValidationException>().SelectMany(inner => inner.Failures));
        }
    }

    private static int Report(IEnumerable<string> errors)
    {
        foreach (var error in errors)
        {
            Console.Error.WriteLine(error);
        }

        return BadInput;
    }
}
