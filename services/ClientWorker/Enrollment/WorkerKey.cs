using System.Security.Cryptography;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Enrollment;

/// <summary>The key that a silo's worker signs its updates with, in a PEM file that its owner alone can read; a worker without one signs nothing.</summary>
public sealed class WorkerKey : IDisposable
{
    private readonly ECDsa? _key;
    private readonly string? _publicKey;
    private readonly TimeProvider _time;

    /// <param name="file">Made where it is not there; null for a worker without a key.</param>
    /// <exception cref="InvalidDataException">The file holds no private key of ECDSA P-256.</exception>
    public WorkerKey(string? file, TimeProvider time)
    {
        _time = time;
        if (file is null)
        {
            return;
        }

        _key = File.Exists(file) ? Read(file) : Make(file);
        _publicKey = ClientKey.PublicOf(_key);
        KeySha256 = ClientKey.NameOf(_publicKey) ?? throw Bad(file);
    }

    /// <summary>The key's name; null without one.</summary>
    public string? KeySha256 { get; }

    public void Dispose() => _key?.Dispose();

    /// <summary>Signs an update for its task.</summary>
    /// <returns>Null without a key.</returns>
    public UpdateSignature? Sign(TrainClient command, BlobRef update, int? exampleCount)
    {
        if (_key is null)
        {
            return null;
        }

        const int NonceBytes = 16;
        var statement = new UpdateStatement
        {
            RunId = command.RunId,
            Round = command.Round,
            ClientId = command.ClientId,
            ReservationId = command.ReservationId,
            Attempt = command.Attempt,
            BaseModelSha256 = command.BaseModel.Sha256,
            Update = update,
            ExampleCount = exampleCount,
            Privacy = command.Privacy,
            Nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes)),
            IssuedAt = _time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        return new UpdateSignature
        {
            PublicKey = _publicKey!,
            ExampleCount = exampleCount,
            Nonce = statement.Nonce,
            IssuedAt = statement.IssuedAt,
            Value = ClientKey.Sign(_key, statement.Text),
        };
    }

    private static ECDsa Read(string file)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(file));
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw Bad(file);
        }
    }

    // Whole or not at all: a worker that dies here must not leave half a key for the next start.
    private static ECDsa Make(string file)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        var temporary = $"{file}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var stream = new FileStream(temporary, options))
        using (var text = new StreamWriter(stream))
        {
            text.Write(key.ExportPkcs8PrivateKeyPem());
            text.Flush();
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, file);
        return key;
    }

    private static InvalidDataException Bad(string file) => new($"ClientWorker:KeyFile \"{file}\" holds no private key of ECDSA P-256 in PEM.");
}
