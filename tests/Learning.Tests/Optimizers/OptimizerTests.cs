using FlEvents.Learning.Optimizers;
using FlEvents.Learning.Tests.Layers;

namespace FlEvents.Learning.Tests.Optimizers;

public sealed class OptimizerTests
{
    [Fact]
    public void Two_steps_of_gradient_descent_with_momentum_and_decay_known_by_hand()
    {
        float[] weights = [1f], velocity = [0f];
        Sgd.Step(weights, [0.5f], velocity, learningRate: 0.25, momentum: 0.5, weightDecay: 0.5);

        // g = 0.5 + 0.5·1 = 1, v = 1, w = 1 − 0.25.
        Assert.Equal((0.75f, 1f), (weights[0], velocity[0]));
        Sgd.Step(weights, [0.125f], velocity, learningRate: 0.25, momentum: 0.5, weightDecay: 0.5);

        // g = 0.125 + 0.375 = 0.5, v = 0.5 + 0.5 = 1, w = 0.75 − 0.25.
        Assert.Equal((0.5f, 1f), (weights[0], velocity[0]));
    }

    [Fact]
    public void The_first_step_of_Adam_is_the_learning_rate_against_the_sign_of_the_gradient()
    {
        float[] weights = [1f, 1f, 1f], first = new float[3], second = new float[3];
        Adam.Step(weights, [3f, -0.01f, 0f], first, second, step: 1, learningRate: 0.1, weightDecay: 0);

        // m̂ = g and v̂ = g², so the step is η·g/(|g| + ε); rounding of 1 − β in float leaves a relative 10⁻⁶.
        Assert.Equal(0.9f, weights[0], 1e-6f);
        Assert.Equal(1.1f, weights[1], 1e-6f);
        Assert.Equal(1f, weights[2]);
    }

    [Fact]
    public void A_weight_takes_the_same_step_wherever_it_stands()
    {
        const int Length = 21;
        float[] Filled(float value) => [.. Enumerable.Repeat(value, Length)];
        var (weights, velocity) = (Filled(0.3f), Filled(0.07f));
        Sgd.Step(weights, Filled(-0.11f), velocity, 0.013, 0.9, 0.01);
        Assert.Single(weights.Distinct());
        var (first, second) = (Filled(0.07f), Filled(0.01f));
        Adam.Step(weights, Filled(-0.11f), first, second, 7, 0.013, 0.01);
        Assert.Single(weights.Distinct());
        Assert.Single(first.Distinct());
        Assert.Single(second.Distinct());
    }

    [Fact]
    public void Without_momentum_no_velocity_is_needed()
    {
        var gradients = LayerCases.Random("gradients", 19);
        var (bare, carried) = (new float[19], new float[19]);
        Sgd.Step(bare, gradients, [], 0.1, 0, 0);
        Sgd.Step(carried, gradients, new float[19], 0.1, 0, 0);
        Assert.Equal(carried, bare);
    }

    [Fact]
    public void Steps_of_Adam_count_from_1() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Adam.Step(new float[1], [0f], new float[1], new float[1], 0, 0.1, 0));
}
