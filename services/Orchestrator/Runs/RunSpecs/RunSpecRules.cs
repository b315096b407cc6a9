using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning;

namespace FlEvents.Orchestrator.Runs;

/// <summary>Rules over several keys of a run. Each assumes that types are right, and nothing about ranges.</summary>
public static class RunSpecRules
{
    /// <summary>Everything in the run that does not fit together, in the order of the run file.</summary>
    /// <param name="spec">The run.</param>
    /// <param name="root">Path of the run, under which errors are reported.</param>
    public static IEnumerable<SpecError> Check(RunSpec spec, string root) =>
        [
            .. Model.Check(spec.Model).Select(error => new SpecError($"{root}.model.{error.Path}", error.Message)),
            .. DataRules.Check(spec, root),
            .. Task(spec, root),
            .. Training(spec.Training, $"{root}.training"),
            .. Selection(spec.Selection, $"{root}.selection"),
            .. PrivacyRules.Check(spec, root),
            .. Evaluation(spec, $"{root}.evaluation"),
            .. Size(spec, root),
        ];

    /// <summary>A run travels in messages, which stay under 64 KiB; models and data do not.</summary>
    private static IEnumerable<SpecError> Size(RunSpec spec, string root)
    {
        const int Largest = 48 * 1024;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(spec, JsonSerializerOptions.Web).Length;
        if (bytes > Largest)
        {
            yield return new(root, $"expected at most {Largest} bytes as JSON, got {bytes}: shorten lists of columns, categories or layers");
        }
    }

    /// <summary>The loss, the label and the number of outputs must describe one task.</summary>
    private static IEnumerable<SpecError> Task(RunSpec spec, string root)
    {
        var outputs = spec.Model.Outputs;
        var label = spec.Data.Label;
        var classes = label?.Classes;
        var loss = $"{root}.training.loss";
        switch (spec.Training.Loss)
        {
            case LossKind.CrossEntropy when outputs < 2:
                yield return new($"{root}.model.outputs", $"expected at least 2 for crossEntropy, one per class, got {outputs}");
                break;
            case LossKind.BinaryCrossEntropy or LossKind.MeanSquaredError when outputs != 1:
                yield return new($"{root}.model.outputs", $"expected 1 for {Name(spec.Training.Loss)}, got {outputs}");
                break;
        }

        switch (spec.Training.Loss)
        {
            case LossKind.CrossEntropy or LossKind.BinaryCrossEntropy when label is not null && classes is null:
                yield return new($"{root}.data.label.classes", $"missing; expected the classes that {Name(spec.Training.Loss)} tells apart");
                break;
            case LossKind.CrossEntropy when classes is not null && classes.Count != outputs:
                yield return new($"{root}.data.label.classes", $"expected as many classes as the model has outputs, {outputs}, got {classes.Count}");
                break;
            case LossKind.BinaryCrossEntropy when classes is not null && classes.Count != 2:
                yield return new($"{root}.data.label.classes", $"expected 2 classes for binaryCrossEntropy, got {classes.Count}");
                break;
            case LossKind.MeanSquaredError when label is null:
                yield return new(loss, "expected a label column that is a number for meanSquaredError, got data without a label column");
                break;
            case LossKind.MeanSquaredError when classes is not null:
                yield return new(loss, $"expected crossEntropy or binaryCrossEntropy for a label with {classes.Count} classes, got meanSquaredError");
                break;
        }
    }

    private static IEnumerable<SpecError> Training(TrainingSpec training, string path)
    {
        if (training is { Optimizer: OptimizerKind.Adam, Momentum: not 0 })
        {
            yield return new($"{path}.momentum", $"expected 0, since adam has moments of its own, got {SpecText.Number(training.Momentum)}");
        }
    }

    private static IEnumerable<SpecError> Selection(SelectionSpec selection, string path)
    {
        if (selection is { Fraction: { } fraction, Count: { } count })
        {
            yield return new(path, $"expected a fraction or a count, got fraction {SpecText.Number(fraction)} and count {count}");
        }

        if (selection.MinimumReports > selection.Count)
        {
            yield return new($"{path}.minimumReports", $"expected at most the cohort's count, {selection.Count}, got {selection.MinimumReports}");
        }

        if (selection is { CloseOnTarget: true, Fraction: null, Count: null })
        {
            yield return new($"{path}.closeOnTarget", "expected a fraction or a count to go with it, which is the target, got neither");
        }

        if (selection.LeaseSeconds > selection.DeadlineSeconds)
        {
            yield return new(
                $"{path}.leaseSeconds",
                $"expected at most deadlineSeconds, {SpecText.Number(selection.DeadlineSeconds)}, got {SpecText.Number(selection.LeaseSeconds)}");
        }
    }

    private static IEnumerable<SpecError> Evaluation(RunSpec spec, string path)
    {
        if (spec.Evaluation.Federated && spec.Training.ValidationFraction == 0)
        {
            yield return new($"{path}.federated", "expected training.validationFraction above 0, which is what clients score on, got 0");
        }
    }

    private static string Name(LossKind loss) => SpecKeys.Names(typeof(LossKind))[(int)loss];
}
