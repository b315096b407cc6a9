using FlEvents.ServiceDefaults.Security;

namespace FlEvents.ServiceDefaults.Tests.Security;

public class PrintableTextTests
{
    [Theory]
    [InlineData("ada Müller, 東京", "ada Müller, 東京")]
    [InlineData("a\r\nb\tc\0", @"a\u000D\u000Ab\u0009c\u0000")]
    [InlineData("\u001B[31m\u009B2J\u007F", @"\u001B[31m\u009B2J\u007F")]
    [InlineData("a\u202Eb\u2066c\u200B\uFEFF\u2028d\u2029", @"a\u202Eb\u2066c\u200B\uFEFF\u2028d\u2029")]
    [InlineData("\uD83D\uDE00\uE000", @"\uD83D\uDE00\uE000")]
    [InlineData(@"a\u000D", @"a\u000D")]
    [InlineData("", "")]
    public void What_a_terminal_or_a_reader_would_take_for_something_else_is_escaped(string text, string shown)
    {
        Assert.Equal(shown, PrintableText.Of(text));
        Assert.Equal(shown, PrintableText.Of(shown));
    }

    [Fact]
    public void A_long_text_is_cut_with_a_mark() => Assert.Equal("abc…", PrintableText.Of("abcd", longest: 3));
}
