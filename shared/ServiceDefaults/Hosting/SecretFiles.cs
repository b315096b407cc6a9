using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.KeyPerFile;
using Microsoft.Extensions.FileProviders;

namespace FlEvents.ServiceDefaults.Hosting;

/// <summary>Settings that come as files, where container engines mount secrets: a file has the name of the variable that it takes the place of.</summary>
public static class SecretFiles
{
    private const string Mounted = "/run/secrets";

    /// <summary>Has a service read its settings there too; a variable or an argument of the same name overrules the file.</summary>
    /// <param name="folder">Absolute; it need not be there.</param>
    public static void Add(IConfigurationBuilder configuration, string folder = Mounted)
    {
        if (Directory.Exists(folder))
        {
            configuration.Sources.Insert(0, new KeyPerFileConfigurationSource
            {
                FileProvider = new PhysicalFileProvider(folder),

                // What others have put there is not ours to read.
                IgnoreCondition = name => !name.Contains("__", StringComparison.Ordinal),
            });
        }
    }

    /// <returns>Null where there is no such file.</returns>
    public static string? Read(string name) => Path.Combine(Mounted, name) is var file && File.Exists(file) ? File.ReadAllText(file).Trim() : null;
}
