using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;

namespace FlEvents.ServiceDefaults.Tests.Security;

public sealed class PemFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority;

    public PemFileTests() => _authority = new TestAuthority(_folder, "authority");

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_certificate_with_its_key_is_fine()
    {
        var (certificate, key) = _authority.Give("broker", "127.0.0.1");

        Assert.Null(PemFile.DefectOfCertificates("A", certificate));
        Assert.Null(PemFile.DefectOfPair("A", certificate, "B", key));
        using var both = PemFile.CertificateWithKey(certificate, key);
        Assert.True(both.HasPrivateKey);
    }

    [Fact]
    public void What_is_wrong_with_a_file_is_told_by_its_name_and_never_by_what_is_in_it()
    {
        var (certificate, key) = _authority.Give("broker", "127.0.0.1");
        var (_, another) = _authority.Give("another", "127.0.0.1");
        var secret = _folder.File("notes.txt");
        File.WriteAllText(secret, "the password is secret");
        var broken = _folder.File("broken.crt");
        File.WriteAllText(broken, "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n");
        var missing = _folder.File("missing.crt");

        Assert.Equal($"A is \"{missing}\": there is no such file.", PemFile.DefectOfCertificates("A", missing));
        Assert.Equal($"A is \"{secret}\": it has no certificate in PEM form.", PemFile.DefectOfCertificates("A", secret));
        Assert.Equal($"A is \"{broken}\": it has no certificate in PEM form.", PemFile.DefectOfCertificates("A", broken));
        Assert.Equal($"A is \"{_folder.Path}\": it cannot be read.", PemFile.DefectOfCertificates("A", _folder.Path));
        Assert.Equal($"A is \"{certificate}\" and B is missing: give both.", PemFile.DefectOfPair("A", certificate, "B", null));
        Assert.Equal($"B is \"{key}\" and A is missing: give both.", PemFile.DefectOfPair("A", null, "B", key));
        Assert.Equal($"B is \"{missing}\": there is no such file.", PemFile.DefectOfPair("A", certificate, "B", missing));
        foreach (var wrong in new[] { another, secret, certificate })
        {
            Assert.Equal($"B is \"{wrong}\": it has no key without a password that belongs to the certificate {certificate}.", PemFile.DefectOfPair("A", certificate, "B", wrong));
        }
    }

    [Fact]
    public void TLS_to_the_broker_needs_an_amqps_address_and_files_that_are_there()
    {
        var tls = new BrokerTls { CaFile = "/nowhere/ca.crt", CertificateFile = "/nowhere/tls.crt" };

        Assert.Equal(["Tls is given, and RabbitMqUrl is no amqps address: TLS needs one."], BusOptions.Check(new BusOptions { Tls = tls }));
        Assert.Equal(
            ["Tls:CaFile is \"/nowhere/ca.crt\": there is no such file.", "Tls:CertificateFile is \"/nowhere/tls.crt\" and Tls:KeyFile is missing: give both."],
            BusOptions.Check(new BusOptions { RabbitMqUrl = "amqps://broker/", Tls = tls }));
        Assert.Empty(BusOptions.Check(new BusOptions { RabbitMqUrl = "amqps://broker/", Tls = new BrokerTls { CaFile = _authority.File, ServerName = "broker" } }));
    }

    [Theory]
    [InlineData("broker:5672")]
    [InlineData("https://broker/")]
    [InlineData("amqp:///vhost")]
    public void What_is_no_brokers_address_is_refused_and_not_shown(string url)
    {
        var error = Assert.Single(BusOptions.Check(new BusOptions { RabbitMqUrl = url }));
        Assert.StartsWith("RabbitMqUrl is no address of a broker", error, StringComparison.Ordinal);
        Assert.DoesNotContain(url, error, StringComparison.Ordinal);
    }
}
