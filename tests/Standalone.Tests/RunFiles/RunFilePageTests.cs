using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Tests.RunFiles;

public class RunFilePageTests
{
    private const string Marker = "<!-- Generated from the program's declarations. -->\n";
    private static readonly string Page = Repository.File("docs", "run-file.md");

    [Fact]
    public void The_committed_page_is_current()
    {
        var text = File.ReadAllText(Page);
        var end = text.IndexOf(Marker, StringComparison.Ordinal) + Marker.Length;
        var current = $"{text[..end]}\n{RunFilePage.Tables()}";
        if (Renewal.IsAsked)
        {
            File.WriteAllText(Page, current);
        }

        Assert.True(
            File.ReadAllText(Page) == current,
            $"The tables of docs/run-file.md are not what the program's declarations give. Renew them with: {Renewal.Command}");
    }

    [Theory]
    [InlineData("| `learningRate` | number | [1e-12, 1000000] | required | Step size. |")]
    [InlineData("| `localEpochs` | whole number | [1, 1000] | `1` | Passes over the client's training examples. |")]
    [InlineData("| `loss` | name | `crossEntropy`, `binaryCrossEntropy`, `meanSquaredError` | `crossEntropy` | Loss, averaged over the batch. |")]
    [InlineData("### `run.model.layers[]`")]
    [InlineData("### `simulation.data.<name>`")]
    public void The_page_has_a_table_of_every_object(string line) => Assert.Contains(line, RunFilePage.Tables().Split('\n'));
}
