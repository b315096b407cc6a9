"""DP-SGD on MNIST in PyTorch alone: the small tanh CNN, Poisson batches, per-example clipping by functorch, Gaussian noise.

Abadi et al. 2016, arXiv:1607.00133, algorithm 1, with the divisor q·n. It needs Debian's python3-torch (1.13, with functorch):

    /usr/bin/python3 bench/peers/dpsgd_torch.py --images IMAGES --labels LABELS --seed 1

Prints one JSON object: accuracy on the held-out examples after the last step, and seconds.
"""
import argparse
import gzip
import json
import struct
import time
from pathlib import Path

import functorch
import torch
from torch import nn


def read_idx(path):
    data = Path(path).read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    shape = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    return torch.frombuffer(bytearray(data[4 + 4 * data[3] :]), dtype=torch.uint8).reshape(shape)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--train", type=int, default=8500)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=340)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--noise-multiplier", type=float, default=1.1)
    parser.add_argument("--learning-rate", type=float, default=0.5)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    images = read_idx(options.images).float().div(255).unsqueeze(1)
    labels = read_idx(options.labels).long()
    train, test = (images[: options.train], labels[: options.train]), (images[options.train :], labels[options.train :])
    model = nn.Sequential(
        nn.Conv2d(1, 16, 8, stride=2, padding=3), nn.Tanh(), nn.MaxPool2d(2, 1), nn.Conv2d(16, 32, 4, stride=2), nn.Tanh(), nn.MaxPool2d(2, 1),
        nn.Flatten(), nn.Linear(512, 32), nn.Tanh(), nn.Linear(32, 10))
    for module in model:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    function, parameters = functorch.make_functional(model)

    def loss(weights, image, label):
        return nn.functional.cross_entropy(function(weights, image.unsqueeze(0)), label.unsqueeze(0))

    gradients = functorch.vmap(functorch.grad(loss), in_dims=(None, 0, 0))
    rate = options.batch / options.train
    started = time.time()
    for _ in range(options.steps):
        chosen = torch.rand(options.train) < rate
        each = gradients(parameters, train[0][chosen], train[1][chosen])
        norms = sum(gradient.flatten(1).square().sum(1) for gradient in each).sqrt()
        factors = (options.clip / norms).clamp(max=1)
        with torch.no_grad():
            parameters = [
                weights - options.learning_rate / options.batch * (
                    torch.einsum("i,i...->...", factors, gradient) + options.noise_multiplier * options.clip * torch.randn_like(weights))
                for weights, gradient in zip(parameters, each)]
    with torch.no_grad():
        accuracy = (function(parameters, test[0]).argmax(1) == test[1]).float().mean().item()
    print(json.dumps({"accuracy": accuracy, "seconds": time.time() - started}))


main()
