using System.Reflection;

namespace FlEvents.ServiceDefaults.Tests.Messaging;

/// <summary>An interface of which some members are answered and the others are not there.</summary>
public class Stub : DispatchProxy
{
    private Dictionary<string, Func<object>> _answers = [];

    public static T Of<T>(params (string Member, Func<object> Answer)[] answers)
        where T : class
    {
        var stub = Create<T, Stub>();
        ((Stub)(object)stub)._answers = answers.ToDictionary(answer => answer.Member, answer => answer.Answer);
        return stub;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _answers[targetMethod!.Name]();
}
