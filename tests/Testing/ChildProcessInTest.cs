namespace FlEvents.Testing;

public sealed partial class ChildProcess
{
    partial void Show(string text)
    {
        if (TestContext.Current is { Test: not null, TestOutputHelper: { } output })
        {
            output.WriteLine(text);
        }
    }
}
