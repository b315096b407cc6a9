"""Writes tests/Learning.Tests/Golden/pytorch.json: layers, losses and training runs as PyTorch 1.13.1 computes them.

Run with Debian's python3 (packages python3-torch and libopenblas0-pthread):

    /usr/bin/python3 bench/golden/make_golden.py

Numbers are float32 in their shortest decimal form. Layers are written as the `layers` of a run file's model, so that a test
builds the same ones from the same words.
"""
import json
import pathlib

import torch
from torch import nn

torch.manual_seed(20240501)
torch.set_num_threads(1)

MODULES = {
    "linear": lambda s, c: nn.Linear(c[0], s["outputs"]),
    "conv2d": lambda s, c: nn.Conv2d(c[0], s["outputs"], s["kernel"], s.get("stride", 1), s.get("padding", 0)),
    "maxPool2d": lambda s, c: nn.MaxPool2d(s["kernel"], s.get("stride", s["kernel"])),
    "avgPool2d": lambda s, c: nn.AvgPool2d(s["kernel"], s.get("stride", s["kernel"])),
    "groupNorm": lambda s, c: nn.GroupNorm(s["groups"], c[0]),
    "relu": lambda s, c: nn.ReLU(),
    "tanh": lambda s, c: nn.Tanh(),
    "flatten": lambda s, c: nn.Flatten(),
}


def build(specs, shape):
    """The layers as one module, their weights and biases drawn from a normal distribution of standard deviation 0.4."""
    modules = []
    for spec in specs:
        modules.append(MODULES[spec["kind"]](spec, shape))
        shape = list(modules[-1](torch.zeros([2] + shape)).shape[1:])
    model = nn.Sequential(*modules)
    for parameter in model.parameters():
        nn.init.normal_(parameter, 0.0, 0.4)
    return model, shape


def floats(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().flatten().tolist()]


def parameters(model):
    values = [p.detach().flatten() for p in model.parameters()]
    return floats(torch.cat(values)) if values else []


def layer_case(name, specs, shape, batch=3):
    model, out = build(specs, shape)
    x = torch.randn([batch] + shape, requires_grad=True)
    y = model(x)
    g = torch.randn_like(y)
    y.backward(g)
    grads = [p.grad.flatten() for p in model.parameters()]
    return {
        "name": name, "inputShape": shape, "layers": specs, "batch": batch, "parameters": parameters(model),
        "inputs": floats(x), "outputs": floats(y), "outputGradients": floats(g), "inputGradients": floats(x.grad),
        "parameterGradients": floats(torch.cat(grads)) if grads else [],
    }


def loss_case(kind, outputs, labels):
    outputs = torch.tensor(outputs, requires_grad=True)
    if kind == "crossEntropy":
        loss = nn.functional.cross_entropy(outputs, torch.tensor(labels))
    elif kind == "binaryCrossEntropy":
        loss = nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], torch.tensor(labels, dtype=torch.float32))
    else:
        loss = nn.functional.mse_loss(outputs[:, 0], torch.tensor(labels))
    loss.backward()
    return {"loss": kind, "outputs": floats(outputs), "labels": labels, "meanLoss": float(loss), "gradients": floats(outputs.grad)}


def training_case(name, specs, shape, loss, optimizer):
    """Trains on BATCHES."""
    count = 10
    model, out = build(specs, shape)
    x = torch.randn([count] + shape)
    labels = torch.randn(count) if loss == "meanSquaredError" else torch.randint(0, max(2, out[0]), (count,))
    start = parameters(model)
    if optimizer["optimizer"] == "adam":
        steps = torch.optim.Adam(model.parameters(), lr=optimizer["learningRate"], weight_decay=optimizer["weightDecay"])
    else:
        steps = torch.optim.SGD(
            model.parameters(), lr=optimizer["learningRate"], momentum=optimizer["momentum"], weight_decay=optimizer["weightDecay"])
    functions = {
        "crossEntropy": lambda y, t: nn.functional.cross_entropy(y, t),
        "binaryCrossEntropy": lambda y, t: nn.functional.binary_cross_entropy_with_logits(y[:, 0], t.float()),
        "meanSquaredError": lambda y, t: nn.functional.mse_loss(y[:, 0], t),
    }
    losses = []
    for part in BATCHES:
        steps.zero_grad()
        value = functions[loss](model(x[part]), labels[part])
        value.backward()
        steps.step()
        losses.append(float(value))
    return {
        "name": name, "inputShape": shape, "layers": specs, "outputs": out[0], "loss": loss, **optimizer,
        "inputs": floats(x), "labels": [float(t) for t in labels], "start": start,
        "batches": BATCHES, "batchLosses": losses, "end": parameters(model),
    }


def layer(kind, **properties):
    return {"kind": kind, **properties}


MLP = [layer("linear", outputs=5), layer("relu"), layer("linear", outputs=3)]
CNN = [
    layer("conv2d", outputs=4, kernel=3, padding=1), layer("groupNorm", groups=2), layer("relu"), layer("maxPool2d", kernel=2),
    layer("conv2d", outputs=3, kernel=2, stride=2, padding=1), layer("tanh"), layer("avgPool2d", kernel=2, stride=1), layer("flatten"),
    layer("linear", outputs=3),
]
# What BatchOrder.Batches(10, 4, 2, SeededRandom.Derive(5, "golden")) gives: two epochs over ten examples.
BATCHES = [[3, 7, 6, 5], [0, 1, 8, 2], [9, 4], [3, 7, 8, 1], [9, 2, 6, 4], [0, 5]]
SGD = {"optimizer": "sgd", "learningRate": 0.05, "momentum": 0.9, "weightDecay": 0.01}
ADAM = {"optimizer": "adam", "learningRate": 0.01, "momentum": 0.0, "weightDecay": 0.01}

golden = {
    "layers": [
        layer_case("linear", [layer("linear", outputs=5)], [7]),
        layer_case("linear of one output and a long input", [layer("linear", outputs=1)], [37]),
        layer_case("convolution", [layer("conv2d", outputs=3, kernel=3)], [2, 5, 6]),
        layer_case("convolution with stride and padding", [layer("conv2d", outputs=4, kernel=3, stride=2, padding=1)], [3, 6, 5]),
        layer_case("convolution whose padding exceeds its kernel", [layer("conv2d", outputs=2, kernel=2, stride=3, padding=3)], [1, 3, 4]),
        layer_case("largest of a window", [layer("maxPool2d", kernel=2)], [2, 5, 4]),
        layer_case("largest of overlapping windows", [layer("maxPool2d", kernel=3, stride=1)], [2, 4, 5]),
        layer_case("mean of a window", [layer("avgPool2d", kernel=2)], [2, 5, 4]),
        layer_case("mean of overlapping windows", [layer("avgPool2d", kernel=3, stride=2)], [1, 5, 7]),
        layer_case("rectifier", [layer("relu")], [11]),
        layer_case("hyperbolic tangent", [layer("tanh")], [11]),
        layer_case("group normalisation of an image", [layer("groupNorm", groups=2)], [4, 3, 3]),
        layer_case("group normalisation of features", [layer("groupNorm", groups=3)], [12]),
        layer_case("layers together", CNN, [1, 6, 6], batch=2),
    ],
    "losses": [
        loss_case("crossEntropy", [[0.5, -1.25, 2.0], [1000.0, 0.0, -1000.0], [3.0, 3.0, 3.0], [-2.0, 90.0, 89.0]], [0, 1, 2, 2]),
        loss_case("binaryCrossEntropy", [[0.0], [3.5], [-3.5], [200.0], [-200.0], [-20.0]], [1, 1, 1, 0, 0, 0]),
        loss_case("meanSquaredError", [[0.5], [-2.0], [7.25]], [1.5, -2.0, 3.0]),
    ],
    "training": [
        training_case("mlp, sgd", MLP, [6], "crossEntropy", SGD),
        training_case("mlp, adam", MLP, [6], "crossEntropy", ADAM),
        training_case("cnn, sgd", CNN, [1, 6, 6], "crossEntropy", SGD),
        training_case("cnn, adam", CNN, [1, 6, 6], "crossEntropy", ADAM),
        training_case("binary, sgd", [layer("linear", outputs=1)], [5], "binaryCrossEntropy", {**SGD, "momentum": 0.0}),
        training_case("regression, adam", [layer("linear", outputs=4), layer("tanh"), layer("linear", outputs=1)], [5], "meanSquaredError", ADAM),
    ],
}
target = pathlib.Path(__file__).parents[2] / "tests" / "Learning.Tests" / "Golden" / "pytorch.json"
with target.open("w") as file:
    file.write("{\n")
    for index, (section, cases) in enumerate(golden.items()):
        lines = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in cases)
        file.write(f' "{section}": [\n{lines}\n ]' + (",\n" if index + 1 < len(golden) else "\n"))
    file.write("}\n")
