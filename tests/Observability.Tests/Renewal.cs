namespace FlEvents.Observability.Tests;

/// <summary>Files of the repository that are made from others, and that tests compare with what they would be now.</summary>
internal static class Renewal
{
    private const string Command = "FLEVENTS_RENEW=1 dotnet test --project tests/Observability.Tests";

    /// <summary>Compares a file with what it is to be, or writes it where that is asked for.</summary>
    public static void Check(string path, string current)
    {
        if (Environment.GetEnvironmentVariable("FLEVENTS_RENEW") == "1")
        {
            File.WriteAllText(path, current);
        }

        Assert.True(File.Exists(path) && File.ReadAllText(path) == current, $"{path} is not current. Renew it with: {Command}");
    }
}
