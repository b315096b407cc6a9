using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>
/// What a service does not start with, but in Development: secrets, commands or updates that go over a network in the clear, and doors that are open to
/// everybody there. On loopback anything goes. Each exception has an option of its own, so that it is somebody's decision and can be found.
/// </summary>
internal sealed class Exposure
{
    // The user that every new broker has, and the client's own default.
    private const string Guest = "guest";

    /// <summary>Has a host refuse to start.</summary>
    public static void Add(IServiceCollection services)
    {
        services.AddOptions<Exposure>().ValidateOnStart();
        services.AddSingleton<IValidateOptions<Exposure>, Rules>();
    }

    /// <param name="bus">How messages travel.</param>
    /// <param name="security">Who is let in.</param>
    /// <param name="addresses">Where the API listens.</param>
    /// <returns>All that is wrong, each a sentence that says what to set.</returns>
    public static IEnumerable<string> Check(BusOptions bus, SecurityOptions security, IReadOnlyList<string> addresses)
    {
        if (bus is { Transport: Transport.RabbitMq, Broker: { IsLoopback: false } broker })
        {
            if (UserOf(broker) is Guest or "")
            {
                yield return $"Bus:RabbitMqUrl signs in at {broker.Host} as {Guest}, whose password everybody knows: set this service's own user (deploy/rabbitmq/definitions.json).";
            }

            if (!bus.IsEncrypted && !bus.AllowPlaintext)
            {
                yield return $"Bus:RabbitMqUrl names {broker.Host} without TLS: set an amqps address, or Bus__AllowPlaintext=true where something else guards the way there.";
            }
        }

        foreach (var address in addresses.Where(address => !HttpAddresses.IsLocal(address)))
        {
            if (!HttpAddresses.IsEncrypted(address) && !security.AllowPlaintext)
            {
                yield return $"The API is to listen on {address} without TLS: set an https address in ASPNETCORE_URLS and a certificate in Kestrel__Certificates__Default__Path and "
                    + "Kestrel__Certificates__Default__KeyPath, or Security__AllowPlaintext=true where something else (a mesh, an ingress) guards the way there.";
            }

            if (security is { IsOpen: true, AllowAnonymous: false })
            {
                yield return $"The API is to listen on {address} and asks nobody who he is: set an API key (flevents api-key prints Security__ApiKeys__…) or an issuer (Security__Jwt__…), "
                    + "or Security__AllowAnonymous=true where nobody else reaches it.";
            }
        }
    }

    private static string UserOf(Uri broker) => Uri.UnescapeDataString(broker.UserInfo.Split(':')[0]);

    private sealed class Rules(IConfiguration configuration, IHostEnvironment environment) : IValidateOptions<Exposure>
    {
        public ValidateOptionsResult Validate(string? name, Exposure options)
        {
            // As they are written, not as they were validated: what is wrong with them is told beside this.
            var bus = configuration.GetSection(BusOptions.Section).Get<BusOptions>() ?? new BusOptions();
            var security = configuration.GetSection(SecurityOptions.Section).Get<SecurityOptions>() ?? new SecurityOptions();
            List<string> errors = [.. environment.IsDevelopment() ? [] : Check(bus, security, HttpAddresses.Of(configuration)), .. HttpAddresses.CertificateDefect(configuration) is { } defect ? [defect] : Array.Empty<string>()];
            return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
        }
    }
}
