using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Auditing;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Privacy;

/// <summary>Audits the mechanisms of a run by canaries: an empirical lower bound on ε against what the ledger charges (docs/audit.md).</summary>
public static class Audit
{
    /// <summary>How much less noise the control of an audit has: what an audit that sees anything must see.</summary>
    public const double ControlDivisor = 4;

    /// <summary>Sends canaries through each mechanism of the run's mode, once, and compares.</summary>
    /// <param name="file">In a private mode.</param>
    /// <param name="declaredExamples">n of the client that is audited in the modes with example.</param>
    /// <param name="canaries">m, at least 2.</param>
    /// <param name="confidence">In (0, 1), for all mechanisms of the run together.</param>
    /// <param name="noise">What the mechanisms draw from.</param>
    /// <param name="threads">At least 1.</param>
    /// <exception cref="ArgumentException">The run has no privacy, or too few parameters for so many canaries.</exception>
    public static AuditReport Run(RunFile file, int declaredExamples, int canaries, double confidence, INoiseSource noise, int threads)
    {
        var run = file.Run;
        if (Refusal(run, canaries) is { } refusal)
        {
            throw new ArgumentException(refusal);
        }

        var claims = AuditClaim.Of(run, file.Simulation.Budgets, declaredExamples);
        // Each may be falsely accused once in so many times; together no more often than asked for.
        var each = 1 - ((1 - confidence) / claims.Count);
        return new AuditReport
        {
            Run = run.Name,
            Mode = run.Privacy.Mode,
            Confidence = confidence,
            Mechanisms = [.. claims.Select(claim =>
            {
                var included = CanaryVectors.Coins(canaries, RandomNumberGenerator.Fill);
                var scores = Scores(run, claim, declaredExamples, included, noise, threads);
                return Judge(claim, included, scores, Scores(Control(run), claim, declaredExamples, included, noise, threads), each);
            })],
        };
    }

    /// <summary>Why a run can't be audited with so many canaries, in one sentence; null when it can.</summary>
    public static string? Refusal(RunSpec run, int canaries) => run.Privacy switch
    {
        { IsPrivate: false } => "The run has privacy mode none: nothing is noised and nothing is promised, so there is nothing to audit.",
        { HasCentral: true, HasLocal: false } when Model.Create(run.Model).ParameterCount is var parameters && parameters < canaries =>
            $"The model has {parameters} parameters, and {canaries} canaries need as many to be orthogonal; expected --canaries {parameters} or fewer, or a larger model.",
        _ => null,
    };

    /// <summary>n of the client with the fewest examples, which is charged the most for an example.</summary>
    /// <exception cref="DataException">The data set can't be read.</exception>
    public static int FewestExamples(RunFile file) => ClientExamples.Of(file).Declared.Min();

    /// <summary>What scores prove against a claim.</summary>
    /// <param name="included">Who was in, shape [m].</param>
    /// <param name="scores">Shape [m].</param>
    /// <param name="control">Scores of the same canaries where noise is a quarter of what was claimed, shape [m].</param>
    /// <param name="confidence">In (0, 1).</param>
    public static AuditResult Judge(AuditClaim claim, bool[] included, double[] scores, double[] control, double confidence)
    {
        var delta = Math.Min(claim.Budget.ShownDelta, CanaryGuesses.Delta(included.Length, confidence));
        var outcome = CanaryGuesses.Judge(scores, included, delta, confidence);
        var result = new AuditResult
        {
            Mechanism = claim.Mechanism,
            Unit = claim.Charge.Unit,
            Releases = claim.Charge.Steps ?? 1,
            Canaries = outcome.Canaries,
            Guesses = outcome.Guesses,
            Correct = outcome.Correct,
            Delta = delta,
            EpsilonLowerBound = outcome.Epsilon,
            EpsilonCeiling = outcome.Ceiling,
            ControlEpsilon = CanaryGuesses.Judge(control, included, delta, confidence).Epsilon,
            FilterEpsilon = claim.FilterEpsilon(delta),
            PldEpsilon = claim.PldEpsilon(delta),
            StatedDelta = claim.Budget.ShownDelta,
            StatedEpsilon = Math.Min(claim.FilterEpsilon(claim.Budget.ShownDelta), claim.PldEpsilon(claim.Budget.ShownDelta) ?? double.PositiveInfinity),
            Verdict = AuditVerdict.Consistent,
        };
        return result with
        {
            Verdict = outcome.Epsilon > result.EpsilonUpperBound ? AuditVerdict.Broken
                : result.ControlEpsilon <= result.EpsilonUpperBound ? AuditVerdict.Blind
                : AuditVerdict.Consistent,
        };
    }

    /// <summary>The run with a quarter of its noise.</summary>
    public static RunSpec Control(RunSpec run)
    {
        var (example, local, central) = (run.Privacy.Example, run.Privacy.Local, run.Privacy.Central);
        return run with
        {
            Privacy = run.Privacy with
            {
                Example = example is null ? null : example with { NoiseMultiplier = example.NoiseMultiplier / ControlDivisor },
                Local = local is null ? null : local with { NoiseMultiplier = local.NoiseMultiplier / ControlDivisor },
                Central = central is null ? null : central with { NoiseMultiplier = central.NoiseMultiplier / ControlDivisor },
            },
        };
    }

    private static double[] Scores(RunSpec run, AuditClaim claim, int declaredExamples, bool[] included, INoiseSource noise, int threads)
    {
        var norm = AuditCanaries.Oversize * claim.ClipNorm;
        return claim.Charge.Unit == PrivacyUnit.Example ? AuditCanaries.Example(PrivacyPlan.TaskOf(run, declaredExamples, round: 1)!.DpSgd!, included, norm, noise)
            : run.Privacy.HasLocal ? AuditCanaries.Local(run.Privacy.Local!, Model.Create(run.Model).ParameterCount, included, norm, noise)
            : AuditCanaries.Central(run, included, norm, noise, threads);
    }
}
