using FlEvents.Contracts;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Tests.Models;

public sealed class ModelTests
{
    private static readonly LayerSpec Flatten = new() { Kind = LayerKind.Flatten };
    private static readonly LayerSpec Relu = new() { Kind = LayerKind.Relu };

    [Fact]
    public void Logistic_regression_is_one_linear_layer()
    {
        var model = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [20], Outputs = 3 });
        Assert.Equal(63, model.ParameterCount);
        Assert.Equal((20, 3), (model.InputSize, model.Outputs));
        Assert.Equal(["0.weight", "0.bias"], model.Layout.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([3, 20], model.Layout.Tensors[0].Shape);
        Assert.Equal((60, 3), (model.Layout.Tensors[1].Offset, model.Layout.Tensors[1].Length));
    }

    [Fact]
    public void Images_are_flattened_before_a_linear_layer_and_tensors_are_named_by_layer_index()
    {
        var model = Model.Create(new ModelSpec { Name = ModelName.Mlp, Hidden = [128], InputShape = [1, 28, 28], Outputs = 10 });
        Assert.Equal((784 * 128) + 128 + (128 * 10) + 10, model.ParameterCount);
        Assert.Equal(["1.weight", "1.bias", "3.weight", "3.bias"], model.Layout.Tensors.Select(tensor => tensor.Name));
    }

    [Fact]
    public void The_small_convolutional_network_has_the_parameters_that_are_stated()
    {
        var model = Model.Create(new ModelSpec { Name = ModelName.Cnn, InputShape = [1, 28, 28], Outputs = 10 });
        Assert.Equal(11_274, model.ParameterCount);
        Assert.Equal([8, 1, 5, 5], model.Layout.Tensors[0].Shape);
        Assert.Equal([16, 7, 7], model.Layers[2].OutputShape);
        Assert.Equal(1, Model.Create(new ModelSpec { Name = ModelName.Cnn, InputShape = [3, 1, 1], Outputs = 1 }).Outputs);
    }

    [Fact]
    public void A_stride_defaults_to_1_for_a_convolution_and_to_the_kernel_for_a_pooling()
    {
        var model = Model.Create(Layers(
            [1, 9, 9], 8, Convolution(2, 2), Pool(4), Flatten));
        Assert.Equal([2, 8, 8], model.Layers[0].OutputShape);
        Assert.Equal([2, 2, 2], model.Layers[1].OutputShape);
    }

    [Fact]
    public void Two_models_of_equal_layers_have_equal_signatures_and_others_do_not()
    {
        string Signature(int hidden) => Model.Create(new ModelSpec { Name = ModelName.Mlp, Hidden = [hidden], InputShape = [4], Outputs = 2 }).Signature;
        Assert.Equal(Signature(3), Signature(3));
        Assert.NotEqual(Signature(3), Signature(4));
    }

    public static TheoryData<string, string, ModelSpec> Wrong => new()
    {
        { "name", "Neither", new ModelSpec { InputShape = [4], Outputs = 2 } },
        { "name", "Both", new ModelSpec { Name = ModelName.Logistic, Layers = [Linear(2)], InputShape = [4], Outputs = 2 } },
        { "layers", "empty", Layers([4], 2) },
        { "layers", "No layer has parameters", Layers([2], 2, Relu) },
        { "layers[0]", "kind linear", Layers([4], 2, [null!]) },
        { "layers[0]", "kind linear", Layers([4], 2, new LayerSpec { Kind = (LayerKind)99 }) },
        { "hidden", "Only the model named mlp", new ModelSpec { Name = ModelName.Logistic, Hidden = [3], InputShape = [4], Outputs = 2 } },
        { "hidden", "needs the widths", new ModelSpec { Name = ModelName.Mlp, InputShape = [4], Outputs = 2 } },
        { "hidden[1]", "It is 0; expected 1", new ModelSpec { Name = ModelName.Mlp, Hidden = [3, 0], InputShape = [4], Outputs = 2 } },
        { "inputShape", "[4] is flat", new ModelSpec { Name = ModelName.Cnn, InputShape = [4], Outputs = 2 } },
        { "inputShape", "2 sizes", new ModelSpec { Name = ModelName.Logistic, InputShape = [4, 4], Outputs = 2 } },
        { "inputShape[2]", "size of 0", new ModelSpec { Name = ModelName.Cnn, InputShape = [1, 4, 0], Outputs = 2 } },
        { "inputShape", "at most", new ModelSpec { Name = ModelName.Cnn, InputShape = [int.MaxValue, int.MaxValue, int.MaxValue], Outputs = 2 } },
        { "outputs", "0 outputs", new ModelSpec { Name = ModelName.Logistic, InputShape = [4], Outputs = 0 } },
        { "name", "at most", new ModelSpec { Name = ModelName.Mlp, Hidden = [1_000_000, 1_000_000], InputShape = [4], Outputs = 2 } },
        { "layers[0].outputs", "needs outputs", Layers([4], 2, new LayerSpec { Kind = LayerKind.Linear }) },
        { "layers[0].kernel", "takes no kernel; it is 3", Layers([2], 2, Linear(2) with { Kernel = 3 }) },
        { "layers[0].padding", "takes no padding", Layers([1, 2, 2], 1, Pool(2) with { Padding = 0 }, Flatten, Linear(1)) },
        { "layers[0].stride", "It is 0", Layers([1, 2, 2], 1, Pool(2) with { Stride = 0 }, Flatten, Linear(1)) },
        { "layers[1].kernel", "3 × 3 does not fit 2 × 2", Layers([1, 4, 4], 1, Pool(2), Pool(3), Flatten, Linear(1)) },
        { "layers[0].kind", "flatten before it", Layers([1, 4, 4], 2, Linear(2)) },
        { "layers[0].kind", "takes images", Layers([4], 2, Pool(2), Linear(2)) },
        { "layers[0].groups", "3 groups do not divide 4", Layers([4], 2, new LayerSpec { Kind = LayerKind.GroupNorm, Groups = 3 }, Linear(2)) },
        { "layers[0].groups", "at least two", Layers([4], 2, new LayerSpec { Kind = LayerKind.GroupNorm, Groups = 4 }, Linear(2)) },
        { "layers[0]", "[3]; expected [2]", Layers([4], 2, Linear(3)) },
        { "layers[0]", "[2, 3, 3]; expected [2]", Layers([1, 4, 4], 2, Convolution(2, 2)) },
        { "layers[0].outputs", "parameters; expected at most", Layers([1_000_000], 1_000_000, Linear(1_000_000)) },
        { "layers[0].outputs", "more than one example may take", Layers([1, 1000, 1000], 1, Convolution(1_000_000, 1), Flatten, Linear(1)) },
        { "layers[0].padding", "padding of 1000 is more", Layers([1000, 2, 2], 1, Convolution(1, 1) with { Padding = 1000 }, Flatten, Linear(1)) },
    };

    [Theory, MemberData(nameof(Wrong))]
    public void What_is_wrong_with_a_spec_is_told_with_its_path(string path, string text, ModelSpec spec)
    {
        Assert.Contains(Model.Check(spec), error => error.Path == path && error.Message.Contains(text, StringComparison.Ordinal));
        Assert.Contains(text, Assert.Throws<ArgumentException>(() => Model.Create(spec)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_are_told_at_once_and_one_shape_that_does_not_fit_only_once()
    {
        var errors = Model.Check(Layers(
            [1, 4, 4], 2, Pool(9), new LayerSpec { Kind = LayerKind.Conv2d, Outputs = 2, Groups = 2 }, Relu with { Padding = 1 }, Flatten, Linear(2)));
        Assert.Equal(["layers[0].kernel", "layers[1].kernel", "layers[1].groups", "layers[2].padding"], errors.Select(error => error.Path));
    }

    [Fact]
    public void A_layout_refuses_a_name_twice_and_an_empty_dimension()
    {
        Assert.Throws<ArgumentException>(() => new ModelLayout([("a", [1]), ("a", [2])]));
        Assert.Throws<ArgumentException>(() => new ModelLayout([("a", [2, 0])]));
        Assert.Throws<OverflowException>(() => new ModelLayout([("a", [1 << 16, 1 << 16])]));
    }

    private static ModelSpec Layers(int[] inputShape, int outputs, params LayerSpec[] layers) =>
        new() { Layers = layers, InputShape = inputShape, Outputs = outputs };

    private static LayerSpec Linear(int outputs) => new() { Kind = LayerKind.Linear, Outputs = outputs };

    private static LayerSpec Convolution(int outputs, int kernel) => new() { Kind = LayerKind.Conv2d, Outputs = outputs, Kernel = kernel };

    private static LayerSpec Pool(int kernel) => new() { Kind = LayerKind.MaxPool2d, Kernel = kernel };
}
