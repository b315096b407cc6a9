#!/usr/bin/python3
"""Federated averaging in numpy alone, independent of FlEvents' code, to compare its results with.

An MLP with ReLU and softmax cross-entropy, plain SGD, float32 throughout. Either everything random comes from a plan folder
(initial weights, partition, cohorts, order of the examples), or, with --own-randomness, from numpy's own generator.
FedAvg: McMahan et al. 2017, arXiv:1602.05629, algorithm 1. See README.md for the format of a plan.
"""

import argparse
import gzip
import json
import struct
import sys
import time
from pathlib import Path

import numpy as np

IDX_TYPES = {0x08: ">u1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4"}


def read_idx(path):
    """An array from an IDX file, plain or gzipped."""
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in IDX_TYPES:
        sys.exit(f"{path}: not an IDX file, expected two zero bytes and a known type, found {data[:4].hex()}.")
    shape = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    return np.frombuffer(data, IDX_TYPES[data[2]], offset=4 + 4 * data[3]).reshape(shape)


def read_safetensors(path):
    """float32 tensors by name, in the order they lie in the file."""
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"][0]):
        if entry["dtype"] != "F32":
            sys.exit(f"{path}: tensor '{name}' has dtype {entry['dtype']}, expected F32.")
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + length + begin : 8 + length + end], "<f4").reshape(entry["shape"])
    return tensors


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, tensor in tensors.items():
        size = 4 * tensor.size
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    body = b"".join(np.ascontiguousarray(tensor, "<f4").tobytes() for tensor in tensors.values())
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + body)


class Mlp:
    """Weights as [(W of shape [outputs, inputs], b of shape [outputs]), …]."""

    def __init__(self, layers):
        self.layers = layers

    @staticmethod
    def from_tensors(tensors, widths):
        """Pairs a weight matrix with the bias after it, whatever the tensors are called."""
        arrays = list(tensors.values())
        shapes = [array.shape for array in arrays]
        expected = [shape for i, o in zip(widths, widths[1:]) for shape in ((o, i), (o,))]
        if shapes != expected:
            sys.exit(f"The initial weights have the shapes {shapes}, expected {expected} for the layers {widths}.")
        return Mlp([(arrays[i].copy(), arrays[i + 1].copy()) for i in range(0, len(arrays), 2)])

    @staticmethod
    def kaiming(widths, random):
        """He et al. 2015, arXiv:1502.01852: normal weights of variance 2 / inputs; zero biases."""
        return Mlp([
            ((random.standard_normal((o, i)) * np.sqrt(2.0 / i)).astype(np.float32), np.zeros(o, np.float32))
            for i, o in zip(widths, widths[1:])
        ])

    def copy(self):
        return Mlp([(w.copy(), b.copy()) for w, b in self.layers])

    def forward(self, x):
        """The inputs of each layer, then the logits."""
        activations = [x]
        for index, (w, b) in enumerate(self.layers):
            x = x @ w.T + b
            if index < len(self.layers) - 1:
                x = np.maximum(x, np.float32(0))
            activations.append(x)
        return activations

    def step(self, x, labels, learning_rate):
        """One step of SGD on the mean loss over the batch."""
        activations = self.forward(x)
        gradient = softmax(activations[-1])
        gradient[np.arange(len(labels)), labels] -= np.float32(1)
        gradient /= np.float32(len(labels))
        for index in range(len(self.layers) - 1, -1, -1):
            w, b = self.layers[index]
            dw, db = gradient.T @ activations[index], gradient.sum(axis=0)
            if index > 0:
                gradient = (gradient @ w) * (activations[index] > 0)
            w -= learning_rate * dw
            b -= learning_rate * db

    def predict(self, x):
        return self.forward(x)[-1].argmax(axis=1)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def train_client(model, images, labels, order, batch_size, learning_rate):
    """The client's model after a pass over its examples in this order; the last batch may be smaller."""
    local = model.copy()
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        local.step(images[batch], labels[batch], learning_rate)
    return local


def aggregate(model, locals_, counts):
    """w + Σ (n_k / n) (w_k − w), summed in double in the order given, then rounded to float32."""
    total = float(sum(counts))
    layers = []
    for index, pair in enumerate(model.layers):
        layers.append(tuple(
            (part + sum((local.layers[index][side].astype(np.float64) - part) * (count / total) for local, count in zip(locals_, counts)))
            .astype(np.float32)
            for side, part in enumerate(pair)))
    return Mlp(layers)


def plan_from_folder(folder):
    plan = json.loads((folder / "plan.json").read_text())
    tensors = read_safetensors(folder / "initial.safetensors")
    missing = {"layers", "learningRate", "batchSize", "rounds", "trainCount", "partition", "cohorts", "batchOrder"} - plan.keys()
    if missing:
        sys.exit(f"{folder / 'plan.json'}: without {', '.join(sorted(missing))}.")
    return plan, tensors


def plan_of_own(arguments):
    """A plan with everything random from numpy's generator: IID partition, cohorts without repeats, epochs as permutations."""
    random = np.random.default_rng(arguments.seed)
    widths = [int(width) for width in arguments.layers.split("-")]
    model = Mlp.kaiming(widths, random)
    tensors = {f"{i}.{name}": part for i, pair in enumerate(model.layers) for name, part in zip(("weight", "bias"), pair)}
    partition = [part.tolist() for part in np.array_split(random.permutation(arguments.train_count), arguments.clients)]
    cohorts = [sorted(random.choice(arguments.clients, arguments.cohort, replace=False).tolist()) for _ in range(arguments.rounds)]
    order = {
        f"{number}/{client}": [i for _ in range(arguments.epochs) for i in random.permutation(partition[client]).tolist()]
        for number, cohort in enumerate(cohorts, 1) for client in cohort
    }
    plan = {
        "layers": widths, "learningRate": arguments.learning_rate, "batchSize": arguments.batch_size, "rounds": arguments.rounds,
        "trainCount": arguments.train_count, "epochs": arguments.epochs, "partition": partition, "cohorts": cohorts, "batchOrder": order,
    }
    return plan, tensors


def check_order(plan, key, client):
    """The examples of a task, once per epoch; anything else would not be the same training."""
    order, own = plan["batchOrder"].get(key), sorted(plan["partition"][client])
    epochs = plan.get("epochs", 1)
    if order is None or any(sorted(order[i * len(own) : (i + 1) * len(own)]) != own for i in range(epochs)) or len(order) != epochs * len(own):
        sys.exit(f"batchOrder['{key}'] does not hold each of the {len(own)} examples of client {client} once per epoch ({epochs}).")
    return [order[i * len(own) : (i + 1) * len(own)] for i in range(epochs)]


def run(plan, tensors, images, labels, out):
    """Trains all rounds; the accuracy of the global model on the held-out examples after each."""
    mean, scale = np.float32(plan.get("mean", 0.0)), np.float32(plan.get("scale", 1.0))
    x = (images.reshape(len(images), -1).astype(np.float32) / np.float32(255) - mean) / scale
    y = labels.astype(np.int64)
    train_count = plan["trainCount"]
    test_end = train_count + plan.get("testCount", len(x) - train_count)
    model = Mlp.from_tensors(tensors, plan["layers"])
    accuracy, started = [], time.perf_counter()
    for number in range(1, plan["rounds"] + 1):
        cohort = plan["cohorts"][number - 1]
        locals_ = []
        for client in cohort:
            local = model
            for order in check_order(plan, f"{number}/{client}", client):
                local = train_client(local, x, y, order, plan["batchSize"], np.float32(plan["learningRate"]))
            locals_.append(local)
        model = aggregate(model, locals_, [len(plan["partition"][client]) for client in cohort])
        accuracy.append(float(np.mean(model.predict(x[train_count:test_end]) == y[train_count:test_end])))
        if number == 1 or number == plan["rounds"]:
            named = dict(zip(tensors, (part for pair in model.layers for part in pair)))
            write_safetensors(out / ("round-1.safetensors" if number == 1 else "final.safetensors"), named)
    return {"accuracy": accuracy, "seconds": time.perf_counter() - started}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", required=True, type=Path, help="IDX file of images")
    parser.add_argument("--labels", required=True, type=Path, help="IDX file of labels")
    parser.add_argument("--out", required=True, type=Path, help="folder for round-1.safetensors, final.safetensors and result.json")
    parser.add_argument("--plan", type=Path, help="folder with initial.safetensors and plan.json")
    parser.add_argument("--own-randomness", action="store_true", help="draw everything with numpy, from --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layers", default="784-200-200-10")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--cohort", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--train-count", type=int, default=8500, help="the first so many examples train, the rest score")
    arguments = parser.parse_args()
    if (arguments.plan is None) == (not arguments.own_randomness):
        parser.error("give either --plan or --own-randomness")

    images, labels = read_idx(arguments.images), read_idx(arguments.labels)
    plan, tensors = plan_from_folder(arguments.plan) if arguments.plan else plan_of_own(arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.own_randomness:
        # So that the same run can be made again elsewhere: by this program with --plan, or by another.
        (arguments.out / "plan.json").write_text(json.dumps(plan))
        write_safetensors(arguments.out / "initial.safetensors", tensors)
    result = run(plan, tensors, images, labels, arguments.out)
    (arguments.out / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"accuracy {result['accuracy'][-1]:.4f} after {plan['rounds']} rounds in {result['seconds']:.1f} s")


if __name__ == "__main__":
    main()
