using System.Globalization;
using System.Text.Json;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Tests.Privacy;

public sealed class EpsilonCommandTests
{
    private static readonly EpsilonQuestion Training = new() { Event = new SubsampledGaussianEvent(0.01, 1.1, 100), Delta = 1e-5 };

    [Fact]
    public void The_report_names_epsilon_the_bracket_and_the_order()
    {
        var text = Report(Training);

        Assert.StartsWith("ε = ", text, StringComparison.Ordinal);
        Assert.Contains("at δ = 1E-05", text, StringComparison.Ordinal);
        Assert.Contains("Certified  from ", text, StringComparison.Ordinal);
        Assert.Contains("Order      ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_printed_is_never_below_the_bound()
    {
        var text = Report(Training);
        double Number(string before) => double.Parse(text[(text.IndexOf(before, StringComparison.Ordinal) + before.Length)..].Split([' ', '\n', '\r'])[0], CultureInfo.InvariantCulture);

        var bound = PldAccountant.Epsilon(Training.Event, Training.Delta);
        Assert.InRange(Number("ε = "), bound.Upper, bound.Upper * 1.00001);
        Assert.InRange(Number(" to "), bound.Upper, bound.Upper * (1 + 1e-8));
        Assert.InRange(Number(" from "), bound.Lower * (1 - 1e-8), bound.Lower);
    }

    [Fact]
    public void Delta_at_an_epsilon_and_other_accountants_are_reported_too()
    {
        Assert.StartsWith("δ = ", Report(Training with { Epsilon = 1 }), StringComparison.Ordinal);
        Assert.DoesNotContain("Certified", Report(Training with { Accountant = "rdp" }), StringComparison.Ordinal);
        Assert.Contains("the edge of the orders tried", Report(Training with { Accountant = "rdp", Orders = [2, 3] }), StringComparison.Ordinal);
        Assert.Contains("ρ ", Report(Training with { Accountant = "zcdp" }), StringComparison.Ordinal);
        Assert.Contains("no zCDP bound", Report(Training with { Accountant = "zcdp", Event = new UnboundedEvent() }), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_answer_is_the_Renyi_one_the_report_says_why() =>
        Assert.Contains("Rényi, because zCDP alone", Report(Training with { Event = new ZcdpEvent(0.1) }), StringComparison.Ordinal);

    [Fact]
    public void A_batch_answers_every_vector_in_order_whatever_is_wrong_with_some()
    {
        var (code, output, errors) = Batch("""
            [{"id":"a","mechanism":"zcdp","params":{"rho":0.25},"delta":1e-5,"accountant":{"kind":"zcdp"},"quantity":"epsilon"},
             {"id":"b","mechanism":"hat"}, 5,
             {"id":"c","mechanism":"adaptive_clipping_noise_split","params":{"noise_multiplier":0.9,"clients_per_round":60},"accountant":{"kind":"formula"},"quantity":"[sigma_b, z_delta]"}]
            """);

        Assert.Equal((ExitCode.Done, ""), (code, errors));
        var answers = JsonDocument.Parse(output).RootElement;
        Assert.Equal(4, answers.GetArrayLength());
        Assert.Equal(["id", "value", "lower", "upper", "unsupported"], answers[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal(3.18897115888, answers[0].GetProperty("value").GetDouble(), 1e-9);
        Assert.Equal(JsonValueKind.Null, answers[0].GetProperty("lower").ValueKind);
        Assert.Equal("b", answers[1].GetProperty("id").GetString());
        Assert.Equal(JsonValueKind.Null, answers[2].GetProperty("id").ValueKind);
        Assert.Equal(0.910299127364, answers[3].GetProperty("value")[1].GetDouble(), 1e-11);
    }

    [Theory, InlineData("{}", "expected a JSON list"), InlineData("[", "batch.json")]
    public void A_file_that_is_no_list_is_bad_input(string content, string reason)
    {
        var (code, output, errors) = Batch(content);

        Assert.Equal((ExitCode.BadInput, ""), (code, output));
        Assert.Contains(reason, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_bad_input() =>
        Assert.Equal(ExitCode.BadInput, VectorBatch.Write(TextWriter.Null, TextWriter.Null, Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString())));

    private static string Report(EpsilonQuestion question)
    {
        using var output = new StringWriter();
        Assert.Equal(ExitCode.Done, EpsilonReport.Write(output, question));
        return output.ToString();
    }

    private static (int Code, string Output, string Errors) Batch(string content)
    {
        var folder = Directory.CreateTempSubdirectory("flevents-").FullName;
        try
        {
            var file = Path.Combine(folder, "batch.json");
            File.WriteAllText(file, content);
            using var output = new StringWriter();
            using var errors = new StringWriter();
            return (VectorBatch.Write(output, errors, file), output.ToString(), errors.ToString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
