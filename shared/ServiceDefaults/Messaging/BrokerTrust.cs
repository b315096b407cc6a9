using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FlEvents.ServiceDefaults.Security;
using MassTransit;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// Whether the broker is the one that is meant. It takes the place of MassTransit's own verification, which by default lets any authority's certificate pass.
/// </summary>
internal sealed class BrokerTrust
{
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private readonly BrokerTls _tls;
    private readonly string _name;
    private readonly TimeProvider _time;
    private readonly X509Certificate2Collection? _authorities;
    private volatile string? _refusal;

    public BrokerTrust(Uri broker, BrokerTls tls, TimeProvider time)
    {
        _tls = tls;
        _name = tls.ServerName ?? broker.Host.Trim('[', ']');
        _time = time;
        _authorities = tls.CaFile is { } file ? PemFile.Certificates(file) : null;
    }

    /// <summary>Why the broker was not believed the last time, as a part of a sentence; null when it was.</summary>
    public string? Refusal => _refusal;

    public void Configure(IRabbitMqSslConfigurator ssl)
    {
        ssl.Protocol = SslProtocols.Tls12 | SslProtocols.Tls13;
        ssl.ServerName = _name;
        ssl.EnforcePolicyErrors(SslPolicyErrors.RemoteCertificateChainErrors);
        ssl.CertificateValidationCallback = (_, certificate, chain, errors) => Accept(certificate as X509Certificate2, chain, errors);
        if (_tls is { CertificateFile: { } certificateFile, KeyFile: { } keyFile })
        {
            ssl.Certificate = PemFile.CertificateWithKey(certificateFile, keyFile);
        }
    }

    /// <param name="errors">What the platform has found; of a chain it knows the machine's authorities alone.</param>
    internal bool Accept(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        _refusal = certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable) ? "it has shown no certificate"
            : errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? $"its certificate is for {NamesOf(certificate)}, not for {_name}"
            : _authorities is null ? (errors == SslPolicyErrors.None ? null : Describe(certificate, chain))
            : DefectOfOwnChain(certificate, chain);
        return _refusal is null;
    }

    private string? DefectOfOwnChain(X509Certificate2 certificate, X509Chain? shown)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities!);
        chain.ChainPolicy.ApplicationPolicy.Add(ServerAuthentication);

        // A private authority seldom has a place where revocations are told.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;

        // What the broker sent along: authorities between its own and the root.
        chain.ChainPolicy.ExtraStore.AddRange(shown?.ChainPolicy.ExtraStore ?? []);
        return chain.Build(certificate) ? null : Describe(certificate, chain);
    }

    private string Describe(X509Certificate2 certificate, X509Chain? chain)
    {
        var status = chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status) ?? X509ChainStatusFlags.NoError;
        var now = _time.GetUtcNow();
        var (from, to) = (new DateTimeOffset(certificate.NotBefore), new DateTimeOffset(certificate.NotAfter));
        return status.HasFlag(X509ChainStatusFlags.NotTimeValid) && (now < from || now > to)
            ? FormattableString.Invariant($"its certificate is good from {from.UtcDateTime:yyyy-MM-dd HH:mm} to {to.UtcDateTime:yyyy-MM-dd HH:mm} UTC only")
            : (status & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0
                ? $"its certificate is of no authority of {(_tls.CaFile is { } file ? $"{BusOptions.Section}:Tls:CaFile ({file})" : $"this machine's ({BusOptions.Section}:Tls:CaFile is not set)")}"
                : $"its certificate is not good: {status}";
    }

    private static string NamesOf(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(names => names.EnumerateDnsNames().Concat(names.EnumerateIPAddresses().Select(address => address.ToString()))).ToList();
        return names.Count == 0 ? "no name" : string.Join(", ", names);
    }
}
