using System.Security.Cryptography;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Strategies;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Auditing;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Training;

namespace FlEvents.Standalone.Privacy;

/// <summary>Sends canaries through the product's own mechanisms and scores what is released (docs/audit.md).</summary>
/// <remarks>
/// A canary comes with a norm of <see cref="Oversize"/>·C, so it is the mechanism that must bring it down to C. Who is in is for the caller to draw; the
/// mechanism under audit draws nothing but its own noise and batches.
/// </remarks>
public static class AuditCanaries
{
    /// <summary>Norm of a canary before clipping, in multiples of C.</summary>
    public const double Oversize = 8;

    // The engine sees this many canaries at a time, each with an input of its own.
    private const int LargestJob = 1000;

    // An input this large gives the bias, which all canaries of a job share, a 2⁻²⁰ of a canary's squared norm.
    private const float Input = 1024;

    /// <summary>One release of the Aggregator over the canaries that are in, each the update of a client of its own.</summary>
    /// <param name="run">In a mode with central, without local.</param>
    /// <param name="included">Who is in, shape [m]; m is at most the parameters of the run's model.</param>
    /// <param name="canaryNorm">Of each update as it arrives.</param>
    /// <param name="noise">What the mechanism draws from.</param>
    /// <param name="threads">At least 1.</param>
    /// <returns>Shape [m].</returns>
    /// <exception cref="ArgumentException">The model has fewer parameters than there are canaries.</exception>
    public static double[] Central(RunSpec run, bool[] included, double canaryNorm, INoiseSource noise, int threads)
    {
        var model = RunModels.Build(run);
        var canaries = new CanaryVectors(model.Model.ParameterCount, included.Length, canaryNorm, RandomNumberGenerator.Fill);
        var updates = Members(included)
            .Select(canary => new WeightedUpdate(1, (from, values) => canaries.Read(canary, from, values)))
            .ToList();
        return canaries.Scores(NextModel.Combine(model, 1, clipNorm: null, new float[canaries.Length], updates, noise, threads).Weights);
    }

    /// <summary>One release of each client: +u for a canary that is in, −u for one that is out, since the server compares any two updates.</summary>
    /// <param name="local">The run's.</param>
    /// <param name="parameterCount">P of the run's model.</param>
    /// <inheritdoc cref="Central"/>
    public static double[] Local(LocalPrivacySpec local, int parameterCount, bool[] included, double canaryNorm, INoiseSource noise)
    {
        var canary = new CanaryVectors(parameterCount, 1, canaryNorm, RandomNumberGenerator.Fill);
        var plus = new float[parameterCount];
        canary.Read(0, 0, plus);
        var minus = Array.ConvertAll(plus, value => -value);
        var (update, scores) = (new float[parameterCount], new double[included.Length]);
        for (var client = 0; client < scores.Length; client++)
        {
            (included[client] ? plus : minus).CopyTo(update, 0);
            UpdateNoise.Release(update, local.ClipNorm, local.NoiseMultiplier, noise);
            scores[client] = canary.Scores(update)[0];
        }

        return scores;
    }

    /// <summary>
    /// One task of DP-SGD on the engine, over the canaries that are in, each an example: a linear model, and inputs of which each belongs to one canary, so
    /// that gradients are orthogonal up to the bias. More than 1,000 canaries are shared among several clients, each with a job of its own.
    /// </summary>
    /// <param name="task">As planned.</param>
    /// <param name="canaryNorm">Of each example's gradient before clipping.</param>
    /// <inheritdoc cref="Central"/>
    public static double[] Example(DpSgdTask task, bool[] included, double canaryNorm, INoiseSource noise)
    {
        var (engine, jobs) = (new BuiltInEngine(), (included.Length + LargestJob - 1) / LargestJob);
        var scores = new List<double>(included.Length);
        for (var job = 0; job < jobs; job++)
        {
            var (start, end) = ((int)((long)job * included.Length / jobs), (int)(((long)job + 1) * included.Length / jobs));
            scores.AddRange(Job(engine, task, included[start..end], canaryNorm, noise));
        }

        return [.. scores];
    }

    private static IEnumerable<double> Job(BuiltInEngine engine, DpSgdTask task, bool[] included, double canaryNorm, INoiseSource noise)
    {
        var model = Model.Create(new ModelSpec
        {
            Layers = [new LayerSpec { Kind = LayerKind.Linear, Outputs = 1 }],
            InputShape = [included.Length],
            Outputs = 1,
        });
        var signs = CanaryVectors.Coins(included.Length, RandomNumberGenerator.Fill);
        // At weights of 0 the gradient of (o − t)² is −2t·(input, 1), of norm 2|t|·√(input² + 1).
        var target = canaryNorm / (2 * Math.Sqrt((Input * Input) + 1.0));
        var update = engine.Train(
            new TrainingJob
            {
                Model = model,
                GlobalWeights = new float[model.ParameterCount],
                Examples = Examples(included, signs, (float)target),
                Training = new TrainingSpec { Loss = LossKind.MeanSquaredError, LearningRate = SmallRate(task, target), BatchSize = 1 },
                BatchOrder = SeededRandom.Derive(0, "audit"),
                Private = new PrivateTraining
                {
                    SamplingRate = task.SamplingProbability,
                    Steps = checked((int)task.Steps),
                    ClipNorm = task.ClipNorm,
                    NoiseMultiplier = task.NoiseMultiplier,
                    DeclaredExamples = task.DeclaredExamples,
                    DrawBatch = noise.PoissonSample,
                    FillNoise = noise.Gaussian,
                },
            },
            CancellationToken.None).Update;

        // Descent goes against the gradient, which goes against the target.
        return signs.Select((sign, canary) => (sign ? 1.0 : -1) * update[canary]);
    }

    /// <summary>A rate at which outputs stay far below the targets, whatever the noise: a canary's gradient is then the same in every step.</summary>
    private static double SmallRate(DpSgdTask task, double target)
    {
        var mostMoved = task.Steps * task.ClipNorm * (1 + (10 * task.NoiseMultiplier)) / (task.SamplingProbability * task.DeclaredExamples);
        return target / (16 * Input * mostMoved);
    }

    private static Examples Examples(bool[] included, bool[] signs, float target)
    {
        var members = Members(included).ToArray();
        var inputs = new float[members.Length * included.Length];
        for (var i = 0; i < members.Length; i++)
        {
            inputs[(i * included.Length) + members[i]] = Input;
        }

        return new Examples(inputs, included.Length, null, [.. members.Select(canary => signs[canary] ? target : -target)]);
    }

    private static IEnumerable<int> Members(bool[] included) => Enumerable.Range(0, included.Length).Where(canary => included[canary]);
}
