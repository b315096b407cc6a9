using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Tests.Messaging;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Tests;

public class PrintableConsoleTests
{
    [Fact]
    public void A_message_is_one_line_whatever_is_in_it_and_an_exception_is_indented()
    {
        Assert.Equal("warn: Some.Category[7] a\\u000D\\u000Afail: forged[0]\\u000A\\u001B[31mred\n", Written("a\r\nfail: forged[0]\n\u001B[31mred", exception: null));
        Assert.Equal(
            "warn: Some.Category[7] done\n      System.IO.IOException: b\n      fail: forged\\u001B[0m\n",
            Written("done", new IOException("b\r\nfail: forged\u001B[0m")));
    }

    [Fact]
    public void The_time_is_written_where_a_format_is_set() => Assert.StartsWith("2030-01-01 00:00 warn: ", Written("done", null, "yyyy-MM-dd HH:mm "), StringComparison.Ordinal);

    private static string Written(string message, Exception? exception, string? timestamp = null)
    {
        var options = Stub.Of<IOptionsMonitor<ConsoleFormatterOptions>>(("get_CurrentValue", () => new ConsoleFormatterOptions { TimestampFormat = timestamp, UseUtcTimestamp = true }));
        using var output = new StringWriter();
        new PrintableConsole(options, new FakeTime()).Write(
            new LogEntry<string>(LogLevel.Warning, "Some.Category", new EventId(7), message, exception, (state, _) => state), scopeProvider: null, output);
        return output.ToString();
    }
}
