"""Tests that PyTorch, where it is installed, gives what numpy gives."""

from __future__ import annotations

import sys
import unittest
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import data
import privacy
import training
from test_client import MODEL, PLAN, example_task
from test_training import examples_of

NEEDED = "PyTorch is not installed, so that numpy trains alone. On Debian: apt-get install --no-install-recommends python3-torch."
LAYERS = [{"kind": "flatten"}, {"kind": "linear", "outputs": 5}, {"kind": "tanh"}, {"kind": "linear", "outputs": 4}, {"kind": "relu"}]

if not training.has_torch():
    print(NEEDED, file=sys.stderr)


@unittest.skipUnless(training.has_torch(), NEEDED)
class TorchTests(unittest.TestCase):
    def test_it_is_used_where_it_is_installed(self) -> None:
        self.assertEqual("TorchModel", type(training.model_of(MODEL)).__name__)

    def test_losses_and_gradients_are_those_of_numpy(self) -> None:
        draw = np.random.default_rng(1)
        for loss, outputs, labels in [
            ("crossEntropy", 3, np.array([0, 2, 1])),
            ("binaryCrossEntropy", 1, np.array([0, 1, 1])),
            ("meanSquaredError", 1, np.array([0.5, -1, 2], dtype=np.float32)),
        ]:
            spec = {"layers": [*LAYERS, {"kind": "linear", "outputs": outputs}], "inputShape": [1, 2, 3], "outputs": outputs}
            numpy, torch = training.Model(spec), training.model_of(spec)
            self.assertEqual(numpy.layout, torch.layout)
            weights, inputs = draw.normal(size=numpy.parameters), draw.normal(size=(3, 6)).astype(np.float32)
            (value, gradient), (other, others) = (model.loss_and_gradient(weights, inputs, labels, loss) for model in (numpy, torch))
            # Both in float64: what is left are a few roundings of 1e-16 in sums of some ten terms.
            self.assertAlmostEqual(value, other, delta=1e-12)
            np.testing.assert_allclose(gradient, others, rtol=0, atol=1e-12)

    def test_a_private_task_with_the_same_samples_and_the_same_noise_gives_the_same_update(self) -> None:
        task = example_task(privacy={"dpSgd": PLAN, "clipNorm": 1, "noiseMultiplier": 2})
        rows = examples_of(40)
        examples, weights = data.Examples(rows.inputs, rows.labels, [np.array([row, row + 20]) for row in range(20)]), np.random.default_rng(3).normal(size=training.Model(MODEL).parameters).astype(np.float32)
        updates = []
        for model in (training.Model(MODEL), training.model_of(MODEL)):
            draw = np.random.default_rng(4)
            fixed = partial(privacy.dp_sgd_gradient, noise=lambda count, deviation: draw.normal(size=count) * deviation)
            sample = lambda count, probability: np.flatnonzero(draw.random(count) < probability)
            with mock.patch.object(privacy, "dp_sgd_gradient", fixed), mock.patch.object(privacy, "poisson_sample", sample):
                update = training.train(model, weights, examples, task).update
            updates.append(privacy.protect(update, task["privacy"], lambda count, deviation: draw.normal(size=count) * deviation))
        np.testing.assert_allclose(updates[0], updates[1], rtol=0, atol=1e-5)
        self.assertGreater(np.linalg.norm(updates[0]), 1e-2)


if __name__ == "__main__":
    unittest.main()
