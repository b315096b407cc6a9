"""Writes tests/Learning.Tests/Golden/dpsgd.json: where 20 steps of DP-SGD end as PyTorch 1.13.1 computes them in double, one example at a time.

Run with Debian's python3 (packages python3-torch and libopenblas0-pthread):

    /usr/bin/python3 bench/golden/make_dpsgd_golden.py

Images, initial weights, batches and noise come from a formula that the test repeats, so the file holds little: each tensor's norm and
every 101st of its values.
"""
import json
import math
import pathlib

import torch
from torch import nn

COUNT, STEPS, RATE, CLIP, MULTIPLIER, LEARNING_RATE, MOMENTUM = 80, 20, 0.2, 2.5, 0.05, 0.4, 0.5
EMPTY_STEP, STRIDE = 5, 101
GRAIN, SHIFT, WEIGHT, BATCH, NOISE = range(1, 6)
MASK = (1 << 64) - 1

# Segments of a seven-segment display: top, upper right, lower right, bottom, lower left, upper left, middle.
SEGMENTS = ["1111110", "0110000", "1101101", "1111001", "0110011", "1011011", "1011111", "1110000", "1111111", "1111011"]
BOXES = [(0, 3, 0, 12), (0, 11, 9, 12), (8, 19, 9, 12), (16, 19, 0, 12), (8, 19, 0, 3), (0, 11, 0, 3), (8, 11, 0, 12)]


def uniform(stream, a, b):
    """In [0, 1) on the grid of 2^-53: the finalizer of SplitMix64 over the three numbers."""
    z = (stream * 0x9E3779B97F4A7C15 + a * 0xD1342543DE82EF95 + b * 0x2545F4914F6CDD1D + 1) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def image(i):
    """A digit of seven segments, shifted by up to two pixels, with grain; 28 x 28."""
    top, left = 3 + int(5 * uniform(SHIFT, i, 0)), 6 + int(5 * uniform(SHIFT, i, 1))
    pixels = [0.0] * 784
    for segment, (y0, y1, x0, x1) in zip(SEGMENTS[i % 10], BOXES):
        for y in range(y0, y1) if segment == "1" else ():
            for x in range(x0, x1):
                pixels[(top + y) * 28 + left + x] = 0.8
    return [pixels[p] + 0.2 * uniform(GRAIN, i, p) - 0.3 for p in range(784)]


def weight(tensor, i, fan_in):
    return (2 * uniform(WEIGHT, tensor, i) - 1) / math.sqrt(fan_in)


def noise(step, i):
    """Bell-shaped, of variance 1."""
    return (uniform(NOISE, step, 3 * i) + uniform(NOISE, step, 3 * i + 1) + uniform(NOISE, step, 3 * i + 2) - 1.5) * 2


model = nn.Sequential(
    nn.Conv2d(1, 16, 8, stride=2, padding=3), nn.Tanh(), nn.MaxPool2d(2, 1), nn.Conv2d(16, 32, 4, stride=2), nn.Tanh(), nn.MaxPool2d(2, 1),
    nn.Flatten(), nn.Linear(512, 32), nn.Tanh(), nn.Linear(32, 10)).double()
parameters = list(model.parameters())
names = [name for name, _ in model.named_parameters()]
for index, parameter in enumerate(parameters):
    fan_in = parameters[index // 2 * 2][0].numel()
    values = torch.tensor([weight(index, i, fan_in) for i in range(parameter.numel())], dtype=torch.float32)
    parameter.data = values.double().reshape(parameter.shape)

inputs = torch.tensor([image(i) for i in range(COUNT)], dtype=torch.float32).double().reshape(COUNT, 1, 28, 28)
labels = torch.arange(COUNT) % 10
velocity = [torch.zeros_like(p) for p in parameters]
sizes, clipped = [], 0
for step in range(STEPS):
    batch = [i for i in range(COUNT) if step != EMPTY_STEP and uniform(BATCH, step, i) < RATE]
    sums = [torch.zeros_like(p) for p in parameters]
    for i in batch:
        model.zero_grad()
        nn.functional.cross_entropy(model(inputs[i : i + 1]), labels[i : i + 1]).backward()
        norm = math.sqrt(sum(float((p.grad**2).sum()) for p in parameters))
        factor = min(1.0, CLIP * (1 - 2.0**-20) / norm)
        clipped += factor < 1
        for total, p in zip(sums, parameters):
            total += factor * p.grad
    offset = 0
    for p, v, total in zip(parameters, velocity, sums):
        drawn = torch.tensor([noise(step, offset + i) for i in range(p.numel())], dtype=torch.float64).reshape(p.shape)
        offset += p.numel()
        v.mul_(MOMENTUM).add_((total + MULTIPLIER * CLIP * drawn) / (RATE * COUNT))
        p.data -= LEARNING_RATE * v
    sizes.append(len(batch))

tensors = [
    {"name": name, "norm": float(p.data.norm()), "values": [float(f"{x:.9g}") for x in p.data.flatten()[::STRIDE].tolist()]}
    for name, p in zip(names, parameters)
]
with torch.no_grad():
    loss = float(nn.functional.cross_entropy(model(inputs), labels))
print(f"batches {sizes}, {clipped} of {sum(sizes)} clipped, loss after {loss:.3f}")
target = pathlib.Path(__file__).parents[2] / "tests" / "Learning.Tests" / "Golden" / "dpsgd.json"
with target.open("w") as file:
    file.write('{\n "batchSizes": ' + json.dumps(sizes) + ',\n "tensors": [\n')
    file.write(",\n".join("  " + json.dumps(t, separators=(",", ":")) for t in tensors) + "\n ]\n}\n")
