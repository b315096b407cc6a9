using FlEvents.ServiceDefaults.Security;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>TLS to the broker, with an <c>amqps</c> address. The broker's certificate and its name are always verified.</summary>
public sealed class BrokerTls
{
    /// <summary>PEM file of the authorities, one or more, of which the broker's certificate must be; those that the machine trusts where absent.</summary>
    public string? CaFile { get; set; }

    /// <summary>Name for which the broker's certificate must be; the address's host where absent.</summary>
    public string? ServerName { get; set; }

    /// <summary>PEM file of the certificate that is shown to the broker; null to show none.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>PEM file of that certificate's key, without a password.</summary>
    public string? KeyFile { get; set; }

    internal bool IsGiven => CaFile is not null || ServerName is not null || CertificateFile is not null || KeyFile is not null;

    /// <summary>What is wrong with the files, each a sentence.</summary>
    internal IEnumerable<string> Check()
    {
        if (CaFile is not null && PemFile.DefectOfCertificates("Tls:CaFile", CaFile) is { } defect)
        {
            yield return defect;
        }

        if ((CertificateFile is not null || KeyFile is not null) && PemFile.DefectOfPair("Tls:CertificateFile", CertificateFile, "Tls:KeyFile", KeyFile) is { } pair)
        {
            yield return pair;
        }
    }
}
