namespace FlEvents.Orchestrator.Tests.RunSpecs;

public class RunSpecRulesTests
{
    [Theory]
    [InlineData("$.selection", "selection.fraction = 0.5")]
    [InlineData("$.selection.minimumReports", "selection.minimumReports = 6")]
    [InlineData("$.selection.closeOnTarget", "selection.closeOnTarget = true", "selection.count = -")]
    [InlineData("$.selection.leaseSeconds", "selection.leaseSeconds = 601")]
    [InlineData("$.training.momentum", "training.optimizer = \"adam\"", "training.momentum = 0.9")]
    [InlineData("$.evaluation.federated", "training.validationFraction = 0")]
    [InlineData("$.model.outputs", "model.outputs = 1")]
    [InlineData("$.model.inputShape[0]", "model.inputShape = [0, 28, 28]")]
    [InlineData("$.model.outputs", "training.loss = \"binaryCrossEntropy\"")]
    [InlineData("$.training.loss", "training.loss = \"meanSquaredError\"", "model.outputs = 1")]
    [InlineData("$.data.label", "data.columns = [{ \"name\": \"a\", \"kind\": \"numeric\" }]", "model.inputShape = [1]", "model.hidden = [4]")]
    [InlineData("$.data.privacyUnitColumn", "data.privacyUnitColumn = \"person\"")]
    [InlineData("$.data.columns", "data.label = { \"name\": \"y\", \"classes\": [\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"] }")]
    public void Keys_of_an_image_run_that_do_not_fit_together_are_refused(string path, params string[] changes) => AssertOnly(path, Specs.Images, changes);

    [Theory]
    [InlineData("$.data.image", "data.image = { \"mean\": 0.5 }")]
    [InlineData("$.data.label.classes", "data.label.classes = -")]
    [InlineData("$.data.label.classes", "data.label.classes = [\"a\", \"b\", \"c\"]")]
    [InlineData("$.data.label.classes", "training.loss = \"crossEntropy\"", "model.outputs = 3")]
    [InlineData("$.training.loss", "training.loss = \"meanSquaredError\"")]
    [InlineData("$.data.label.classes[1]", "data.label.classes = [\"no\", \"no\"]")]
    [InlineData("$.data.label", "data.label.mean = 3")]
    [InlineData("$.data.columns[0].categories", "data.columns.0.categories = [\"a\"]")]
    [InlineData("$.data.columns[0].other", "data.columns.0.other = true")]
    [InlineData("$.data.columns[1].categories", "data.columns.1.categories = -", "model.inputShape = [2]")]
    [InlineData("$.data.columns[1].categories", "data.columns.1.categories = []", "model.inputShape = [2]")]
    [InlineData("$.data.columns[1].categories[1]", "data.columns.1.categories = [\"red\", \"red\"]")]
    [InlineData("$.data.columns[1]", "data.columns.1.missing = 0")]
    [InlineData("$.data.columns[1].name", "data.columns.1.name = \"age\"")]
    [InlineData("$.data.columns[1].name", "data.columns.1.name = \"rich\"")]
    [InlineData("$.data.privacyUnitColumn", "data.privacyUnitColumn = \"colour\"")]
    [InlineData("$.data.privacyUnitColumn", "data.privacyUnitColumn = \"rich\"")]
    [InlineData("$.data.privacyUnitColumn", "data.privacyUnitColumn = \"\"")]
    [InlineData("$.model.inputShape", "model.inputShape = [3]")]
    [InlineData("$.model.inputShape", "data.columns.1.other = false")]
    public void Keys_of_a_run_over_columns_that_do_not_fit_together_are_refused(string path, params string[] changes) => AssertOnly(path, Specs.Table, changes);

    [Theory]
    [InlineData("training.loss = \"crossEntropy\"", "model.outputs = 2")]
    [InlineData("training.loss = \"meanSquaredError\"", "data.label.classes = -", "data.label.scale = 10")]
    [InlineData("selection.fraction = 0.5", "selection.closeOnTarget = true")]
    [InlineData("data.privacyUnitColumn = \"person\"")]
    [InlineData("data.privacyUnitColumn = \"person\"", "privacy = { \"mode\": \"example\", \"example\": { \"clipNorm\": 1, \"noiseMultiplier\": 1 } }")]
    [InlineData("selection.deadlineSeconds = 5", "selection.leaseSeconds = 5")]
    public void Keys_that_fit_together_are_accepted(params string[] changes) => Assert.Empty(Specs.Errors(Specs.Table, changes));

    [Fact]
    public void Broken_rules_are_reported_together() =>
        Assert.Equal(
            ["$.data.image", "$.model.inputShape", "$.training.momentum", "$.selection.leaseSeconds"],
            Specs.Errors(
                Specs.Table,
                "data.image = {}",
                "model.inputShape = [9]",
                "training.optimizer = \"adam\"",
                "training.momentum = 0.9",
                "selection.leaseSeconds = 1000").Select(error => error.Split(": ")[0]));

    [Fact]
    public void A_rule_says_what_was_expected_and_what_was_given() =>
        Assert.Equal(
            ["$.model.inputShape: expected 4 inputs, which is what the columns give, got 12 from [3, 2, 2]"],
            Specs.Errors(Specs.Table, "model.inputShape = [3, 2, 2]"));

    [Fact]
    public void A_column_of_privacy_units_is_refused_with_its_name_and_the_reason()
    {
        Assert.Equal(
            ["$.data.privacyUnitColumn: expected none, since images have no columns, got \"person\""], Specs.Errors(Specs.Images, "data.privacyUnitColumn = \"person\""));
        Assert.Equal(
            ["$.data.privacyUnitColumn: expected a column that is no feature, since it says whose row it is, got \"age\""],
            Specs.Errors(Specs.Table, "data.privacyUnitColumn = \"age\""));
        Assert.Equal(
            ["$.data.privacyUnitColumn: expected a column that is not the label, since it says whose row it is, got \"rich\""],
            Specs.Errors(Specs.Table, "data.privacyUnitColumn = \"rich\""));
    }

    [Fact]
    public void A_run_that_would_not_fit_a_message_is_refused()
    {
        var layers = string.Join(",", Enumerable.Repeat("{ \"kind\": \"relu\" }", 2000));
        AssertOnly("$", Specs.Images, [$"model.layers = [{{ \"kind\": \"flatten\" }}, {layers}, {{ \"kind\": \"linear\", \"outputs\": 10 }}]", "model.name = -", "model.hidden = -"]);
    }

    private static void AssertOnly(string path, string json, string[] changes)
    {
        var error = Assert.Single(Specs.Errors(json, changes));
        Assert.Equal(path, error.Split(": ")[0]);
    }
}
