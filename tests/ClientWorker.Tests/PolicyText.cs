using FlEvents.Testing;

namespace FlEvents.ClientWorker.Tests;

/// <summary>An owner's policy as a file.</summary>
internal static class PolicyText
{
    /// <summary>Writes the policy, and says where a worker finds it.</summary>
    public static (string Key, string Value) Setting(TemporaryFolder folder, string json)
    {
        Write(folder, json);
        return ("ClientWorker:PolicyFile", folder.File("policy.json"));
    }

    public static void Write(TemporaryFolder folder, string json) => File.WriteAllText(folder.File("policy.json"), json);
}
