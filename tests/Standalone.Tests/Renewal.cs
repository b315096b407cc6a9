namespace FlEvents.Standalone.Tests;

/// <summary>Files of the repository that the program makes, and that tests compare with what it makes now.</summary>
internal static class Renewal
{
    public const string Command = "FLEVENTS_RENEW=1 dotnet test --project tests/Standalone.Tests";

    /// <summary>Whether committed files are to be written instead of compared.</summary>
    public static bool IsAsked => Environment.GetEnvironmentVariable("FLEVENTS_RENEW") == "1";
}
