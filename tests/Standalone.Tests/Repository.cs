namespace FlEvents.Standalone.Tests;

/// <summary>Files of the repository that tests compare the program with.</summary>
internal static class Repository
{
    public const string Renew = "FLEVENTS_RENEW=1 dotnet test --project tests/Standalone.Tests";

    public static string File(params string[] parts) => Path.Combine([Root(), .. parts]);

    /// <summary>Whether committed files are to be written instead of compared.</summary>
    public static bool IsRenewing => Environment.GetEnvironmentVariable("FLEVENTS_RENEW") == "1";

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!System.IO.File.Exists(Path.Combine(folder.FullName, "FlEvents.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds FlEvents.sln.");
        }

        return folder.FullName;
    }
}
