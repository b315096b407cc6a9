"""The same networks on PyTorch, used where it is installed. Sampling, clipping and noise stay where they are: a library is asked for one gradient, of one unit, and no more."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

import training

# A sum that is ordered otherwise the next time would move the gradients of all other units when one is left out.
torch.use_deterministic_algorithms(True)


class TorchModel(training.Model):
    """A network whose gradients come from automatic differentiation, in float64."""

    def loss_and_gradient(self, weights: np.ndarray, inputs: np.ndarray, labels: np.ndarray, loss: str) -> tuple[float, np.ndarray]:
        """As that of the base class, to the last few bits."""
        parameters = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
        x = torch.tensor(inputs, dtype=torch.float64)
        for kind, weight, bias, shape in self._layers:
            if kind == "linear":
                x = functional.linear(x, parameters[weight].view(shape), parameters[bias])
            elif kind == "relu":
                x = functional.relu(x)
            elif kind == "tanh":
                x = torch.tanh(x)
        value = _loss_of(loss, x, torch.tensor(labels))
        (gradient,) = torch.autograd.grad(value, parameters)
        return value.item(), gradient.numpy()


def _loss_of(kind: str, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if kind == "crossEntropy":
        return functional.cross_entropy(outputs, labels)
    numbers = labels.to(torch.float64)
    if kind == "binaryCrossEntropy":
        return functional.binary_cross_entropy_with_logits(outputs[:, 0], numbers)
    return functional.mse_loss(outputs[:, 0], numbers)
