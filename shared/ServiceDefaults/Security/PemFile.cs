using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Certificates and keys in PEM files, and what is wrong with one as a sentence that never shows what is in it.</summary>
internal static class PemFile
{
    /// <summary>All certificates of a file.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    /// <exception cref="CryptographicException">One of them is none.</exception>
    public static X509Certificate2Collection Certificates(string path)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(path);
        return certificates;
    }

    /// <summary>A certificate with its key.</summary>
    /// <exception cref="IOException">A file can't be read.</exception>
    /// <exception cref="CryptographicException">They are not what they should be, or do not belong together.</exception>
    public static X509Certificate2 CertificateWithKey(string path, string keyPath) => X509Certificate2.CreateFromPemFile(path, keyPath);

    /// <param name="setting">Name of the setting that names the file.</param>
    /// <returns>What is wrong; null where the file has a certificate.</returns>
    public static string? DefectOfCertificates(string setting, string path) => Try(
        $"{setting} is \"{path}\"",
        "no certificate in PEM form",
        () =>
        {
            var certificates = Certificates(path);
            var isThere = certificates.Count > 0;
            certificates.ToList().ForEach(certificate => certificate.Dispose());
            return isThere;
        });

    /// <param name="setting">Name of the setting that names the certificate's file.</param>
    /// <param name="keySetting">Name of the setting that names the key's file.</param>
    /// <returns>What is wrong; null where both are there and belong together.</returns>
    public static string? DefectOfPair(string setting, string? path, string keySetting, string? keyPath)
    {
        if (string.IsNullOrEmpty(path) || string.IsNullOrEmpty(keyPath))
        {
            return string.IsNullOrEmpty(path) ? $"{keySetting} is \"{keyPath}\" and {setting} is missing: give both." : $"{setting} is \"{path}\" and {keySetting} is missing: give both.";
        }

        return DefectOfCertificates(setting, path)
            ?? (File.Exists(keyPath) ? null : $"{keySetting} is \"{keyPath}\": there is no such file.")
            ?? Try($"{keySetting} is \"{keyPath}\"", $"no key without a password that belongs to the certificate {path}", () =>
            {
                using var certificate = CertificateWithKey(path, keyPath);
                return certificate.HasPrivateKey;
            });
    }

    private static string? Try(string what, string otherwise, Func<bool> isSound)
    {
        try
        {
            return isSound() ? null : $"{what}: it has {otherwise}.";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return $"{what}: there is no such file.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{what}: it cannot be read.";
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return $"{what}: it has {otherwise}.";
        }
    }
}
