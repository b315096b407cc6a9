using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FlEvents.Testing;

/// <summary>An authority that gives certificates for the length of a test; files are PEM, in the folder that it was given.</summary>
public sealed class TestAuthority : IDisposable
{
    private static readonly OidCollection Everything = [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")];
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly TemporaryFolder _folder;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    /// <param name="name">Of a-z, unique in the folder.</param>
    public TestAuthority(TemporaryFolder folder, string name)
    {
        _folder = folder;
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _certificate = request.CreateSelfSigned(Now.AddDays(-30), Now.AddDays(30));
        File = folder.File($"{name}.crt");
        System.IO.File.WriteAllText(File, _certificate.ExportCertificatePem());
    }

    /// <summary>The authority's own certificate.</summary>
    public string File { get; }

    /// <summary>Gives a certificate for a server or a client.</summary>
    /// <param name="file">Name of the files, without an ending.</param>
    /// <param name="name">A host's name, an IP address, or what a client is called.</param>
    /// <param name="isExpired">Good until yesterday.</param>
    /// <returns>The files with certificate and key.</returns>
    public (string Certificate, string Key) Give(string file, string name, bool isExpired = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(Everything, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var certificate = request.Create(_certificate, Now.AddDays(-10), Now.AddDays(isExpired ? -1 : 10), RandomNumberGenerator.GetBytes(8));
        var (path, keyPath) = (_folder.File($"{file}.crt"), _folder.File($"{file}.key"));
        System.IO.File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        System.IO.File.WriteAllText(path, certificate.ExportCertificatePem());
        return (path, keyPath);
    }

    public void Dispose()
    {
        _key.Dispose();
        _certificate.Dispose();
    }
}
