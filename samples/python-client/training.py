"""Models, losses, optimizers and local training in numpy, float64 throughout. Weights are one vector of shape [P], laid out as the model file has them."""

from __future__ import annotations

import importlib.util
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

import data
import privacy
import safetensors
from data import Examples
from safetensors import Layout, parameter_count

LAYERS = {"linear", "relu", "tanh", "flatten"}


class Unsupported(ValueError):
    """The task asks for a model that this client has not. The message may leave this machine."""


class Stopped(Exception):
    """Training was asked to end."""


def layers_of(spec: dict) -> list[dict]:
    """The layers of a task's ``model``; a name stands for a list of them."""
    if spec.get("layers"):
        layers = spec["layers"]
    else:
        if spec.get("name") not in ("logistic", "mlp"):
            raise Unsupported(f"The model {spec.get('name')} is not one this client can train; expected logistic, mlp or a list of layers.")
        layers = [{"kind": "flatten"}] if len(spec["inputShape"]) == 3 else []
        for width in spec.get("hidden") or [] if spec["name"] == "mlp" else []:
            layers += [{"kind": "linear", "outputs": width}, {"kind": "relu"}]
        layers.append({"kind": "linear", "outputs": spec["outputs"]})
    for layer in layers:
        if layer["kind"] not in LAYERS:
            raise Unsupported(f"Layers of kind {layer['kind']} are not ones this client can train; expected {', '.join(sorted(LAYERS))}.")
    return layers


class Model:
    """A network of linear layers, ReLU, tanh and flatten. As one row is a flat vector here, flatten does nothing but count as a layer."""

    def __init__(self, spec: dict) -> None:
        self._layers: list[tuple[str, slice, slice, tuple[int, int]]] = []
        self.layout: Layout = []
        self.inputs = width = math.prod(spec["inputShape"])
        flat, offset = len(spec["inputShape"]) == 1, 0
        for index, layer in enumerate(layers_of(spec)):
            outputs = layer.get("outputs") if layer["kind"] == "linear" else width
            flat = flat or layer["kind"] == "flatten"
            if layer["kind"] == "linear":
                if not flat or not outputs:
                    raise Unsupported(f"Layer {index} is linear; expected a flat input and a number of outputs.")
                self.layout += [(f"{index}.weight", (outputs, width)), (f"{index}.bias", (outputs,))]
            end = parameter_count(self.layout)
            bias = end - outputs if layer["kind"] == "linear" else end
            self._layers.append((layer["kind"], slice(offset, bias), slice(bias, end), (outputs, width)))
            offset, width = end, outputs
        self.outputs, self.parameters = width, offset
        if not self.layout:
            raise Unsupported("The model has no parameters; expected at least one linear layer.")
        if self.outputs != spec["outputs"]:
            raise Unsupported(f"The layers put out {self.outputs} values; expected {spec['outputs']}.")

    def loss_and_gradient(self, weights: np.ndarray, inputs: np.ndarray, labels: np.ndarray, loss: str) -> tuple[float, np.ndarray]:
        """The mean loss of some rows, and its gradient.

        :param weights: float64, shape [P].
        :param inputs: shape [rows, inputs], at least one row.
        :param labels: shape [rows].
        :return: the gradient is float64 of shape [P].
        """
        activations = [inputs.astype(np.float64)]
        for kind, weight, bias, shape in self._layers:
            x = activations[-1]
            if kind == "linear":
                x = x @ weights[weight].reshape(shape).T + weights[bias]
            elif kind == "relu":
                x = np.maximum(x, 0)
            elif kind == "tanh":
                x = np.tanh(x)
            activations.append(x)
        losses, back = loss_of(loss, activations[-1], labels)
        back = back / len(losses)
        gradient = np.zeros(self.parameters)
        for (kind, weight, bias, shape), x, y in zip(reversed(self._layers), activations[-2::-1], activations[:0:-1]):
            if kind == "linear":
                gradient[weight] = (back.T @ x).ravel()
                gradient[bias] = back.sum(axis=0)
                back = back @ weights[weight].reshape(shape)
            elif kind == "relu":
                back = back * (x > 0)
            elif kind == "tanh":
                back = back * (1 - y * y)
        return float(losses.mean()), gradient


def model_of(spec: dict) -> Model:
    """A task's ``model``: on PyTorch where it is installed, on numpy otherwise."""
    if not has_torch():
        return Model(spec)
    # Takes a second or two, which who only asks for the status should not wait.
    from torch_model import TorchModel

    return TorchModel(spec)


def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def loss_of(kind: str, outputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The loss of each row in nats (or squared units), and its gradient with respect to the outputs.

    :param outputs: float64, shape [rows, outputs].
    :param labels: classes or numbers, shape [rows].
    :return: shapes [rows] and [rows, outputs].
    """
    if kind == "crossEntropy":
        rows = np.arange(len(outputs))
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        powers = np.exp(shifted)
        sums = powers.sum(axis=1, keepdims=True)
        gradient = powers / sums
        gradient[rows, labels] -= 1
        return np.log(sums[:, 0]) - shifted[rows, labels], gradient
    z, y = outputs[:, 0], labels.astype(np.float64)
    if kind == "binaryCrossEntropy":
        e = np.exp(-np.abs(z))
        return np.maximum(z, 0) - z * y + np.log1p(e), (np.where(z >= 0, 1, e) / (1 + e) - y)[:, None]
    return (z - y) ** 2, (2 * (z - y))[:, None]


def check(model: Model, task: dict) -> str | None:
    """Why a task can't be trained, in a sentence; None when it can. It is found in what the task declares alone: were it found in the data, a refusal would tell of them."""
    loss, (inputs, labels) = task["training"]["loss"], data.shape_of(task["data"])
    classes = {"crossEntropy": model.outputs, "binaryCrossEntropy": 2, "meanSquaredError": 0}[loss]
    if loss != "crossEntropy" and model.outputs != 1 or loss == "crossEntropy" and model.outputs < 2:
        return f"The loss {loss} does not fit a model of {model.outputs} outputs."
    if inputs != model.inputs:
        return f"The columns give {inputs} inputs; the model takes {model.inputs}."
    if (classes > 0) != (labels > 0):
        return f"The loss {loss} needs {'classes' if classes else 'numbers'} as labels."
    if labels > classes:
        return f"The label declares {labels} classes, more than the {classes} that the model tells apart."
    size = task["baseModel"]["sizeBytes"]
    if not 0 <= size - 4 * model.parameters <= 8 + safetensors.LONGEST_HEADER:
        return f"A base model of {size} bytes does not fit {model.parameters} parameters."
    return None


class Optimizer:
    """SGD with momentum, or Adam; both with L2 weight decay added to the gradient, as PyTorch defines them."""

    def __init__(self, training: dict, parameters: int) -> None:
        self._spec = training
        self._first = np.zeros(parameters)
        self._second = np.zeros(parameters)
        self._steps = 0

    def step(self, weights: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The weights after one step; all of shape [P]."""
        rate = self._spec["learningRate"]
        gradient = gradient + self._spec.get("weightDecay", 0) * weights
        self._steps += 1
        if self._spec.get("optimizer", "sgd") == "sgd":
            self._first = self._spec.get("momentum", 0) * self._first + gradient
            return weights - rate * self._first
        self._first = 0.9 * self._first + 0.1 * gradient
        self._second = 0.999 * self._second + 0.001 * gradient * gradient
        mean = self._first / (1 - 0.9**self._steps)
        square = self._second / (1 - 0.999**self._steps)
        return weights - rate * mean / (np.sqrt(square) + 1e-8)


@dataclass(frozen=True)
class LocalUpdate:
    """What training gave."""

    update: np.ndarray
    """w_local − w_global, float64, shape [P]; not clipped or noised as a whole yet."""

    examples: int
    """Units trained on."""

    loss: float | None
    """Mean over the last epoch; None in a private run."""


def training_part(examples: Examples, fraction: float, seed: int, client_id: str) -> Examples:
    """What is left after ⌊n·fraction⌋ units were set aside for validation: the same ones in every round of a run."""
    count = len(examples.units)
    aside = min(count - 1, int(count * Decimal(repr(fraction))))
    order = list(range(count))
    random.Random(f"{seed}|validation|{client_id}").shuffle(order)
    return examples.of_units(sorted(order[aside:])) if aside else examples


def train(model: Model, weights: np.ndarray, examples: Examples, task: dict, must_stop: Callable[[], bool] = lambda: False) -> LocalUpdate:
    """Trains from the global weights as a task says.

    :param weights: w_global, shape [P].
    :param must_stop: asked before every step.
    """
    spec, start = task["training"], weights.astype(np.float64)
    examples = training_part(examples, spec.get("validationFraction", 0), task["seed"], task["clientId"])
    optimizer = Optimizer(spec, model.parameters)
    plan = (task.get("privacy") or {}).get("dpSgd")
    with np.errstate(over="ignore", invalid="ignore"):
        if plan is not None:
            local, loss = _private(model, start, examples, spec["loss"], plan, optimizer, must_stop), None
        else:
            local, loss = _plain(model, start, examples, task, optimizer, must_stop)
        return LocalUpdate(local - start, len(examples.units), None if task.get("privacy") else loss)


def _plain(model: Model, weights: np.ndarray, examples: Examples, task: dict, optimizer: Optimizer, must_stop: Callable[[], bool]) -> tuple[np.ndarray, float]:
    """Epochs of shuffled batches of rows. The seed makes a run repeatable; nothing is hidden by it."""
    spec, count = task["training"], len(examples.labels)
    generator = np.random.default_rng([task["seed"], task["round"], *task["clientId"].encode()])
    for _ in range(spec.get("localEpochs", 1)):
        order, total = generator.permutation(count), 0.0
        for first in range(0, count, spec["batchSize"]):
            if must_stop():
                raise Stopped
            batch = order[first : first + spec["batchSize"]]
            loss, gradient = model.loss_and_gradient(weights, examples.inputs[batch], examples.labels[batch], spec["loss"])
            weights, total = optimizer.step(weights, gradient), total + loss * len(batch)
    return weights, total / count


def _private(model: Model, weights: np.ndarray, examples: Examples, loss: str, plan: dict, optimizer: Optimizer, must_stop: Callable[[], bool]) -> np.ndarray:
    """DP-SGD (Abadi et al. 2016, arXiv:1607.00133, algorithm 1): exactly S steps on Poisson samples of units.

    Each unit goes through the network by itself. In one product over the batch a library may order its sums otherwise for another batch size, and then
    one example less would change the gradients of all others in the last bit, or by more at the kink of a ReLU.
    """
    for _ in range(plan["steps"]):
        if must_stop():
            raise Stopped
        at = weights

        def gradient_of(unit: int) -> np.ndarray:
            rows = examples.units[unit]
            return model.loss_and_gradient(at, examples.inputs[rows], examples.labels[rows], loss)[1]

        drawn = privacy.poisson_sample(len(examples.units), plan["samplingProbability"])
        weights = optimizer.step(weights, privacy.dp_sgd_gradient(gradient_of, drawn, model.parameters, plan))
    return weights
