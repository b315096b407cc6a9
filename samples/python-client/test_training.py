"""Tests of models, training and its privacy."""

from __future__ import annotations

import math
import sys
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import data
import privacy
import training
from test_client import MODEL, PLAN, SPEC, VECTORS, example_task


def silence(count: int, deviation: float) -> np.ndarray:
    """No noise, for sensitivities alone."""
    return np.zeros(count)


class TrainingTests(unittest.TestCase):
    def test_gradients_are_those_of_central_differences(self) -> None:
        draw = np.random.default_rng(1)
        layers = [{"kind": "flatten"}, {"kind": "linear", "outputs": 5}, {"kind": "tanh"}, {"kind": "linear", "outputs": 4}, {"kind": "relu"}]
        for loss, outputs, labels in [
            ("crossEntropy", 3, np.array([0, 2, 1])),
            ("binaryCrossEntropy", 1, np.array([0, 1, 1])),
            ("meanSquaredError", 1, np.array([0.5, -1, 2], dtype=np.float32)),
        ]:
            spec = {"layers": [*layers, {"kind": "linear", "outputs": outputs}], "inputShape": [1, 2, 3], "outputs": outputs}
            model = training.Model(spec)
            self.assertEqual(["1.weight", "1.bias", "3.weight", "3.bias", "5.weight", "5.bias"], [name for name, _ in model.layout])
            weights, inputs = draw.normal(size=model.parameters), draw.normal(size=(3, 6))
            _, gradient = model.loss_and_gradient(weights, inputs, labels, loss)
            step = 1e-6
            for at in range(model.parameters):
                moved = np.zeros(model.parameters)
                moved[at] = step
                above = model.loss_and_gradient(weights + moved, inputs, labels, loss)[0]
                below = model.loss_and_gradient(weights - moved, inputs, labels, loss)[0]
                # Truncation is of order step² = 1e-12, cancellation of 1e-16/step = 1e-10.
                self.assertAlmostEqual((above - below) / (2 * step), gradient[at], delta=1e-8, msg=f"{loss}, parameter {at}")

    def test_optimizers_take_the_steps_that_were_computed_by_hand(self) -> None:
        weights, gradient = np.array([1.0]), np.array([0.5])
        sgd = training.Optimizer({"learningRate": 0.1, "momentum": 0.9, "weightDecay": 0.5}, 1)
        # v = 0.5 + 0.5·1 = 1, w = 0.9; then v = 0.9 + 0.5 + 0.5·0.9 = 1.85, w = 0.715.
        self.assertAlmostEqual(0.715, sgd.step(sgd.step(weights, gradient), gradient)[0], places=12)
        adam = training.Optimizer({"optimizer": "adam", "learningRate": 0.1}, 1)
        # The first step of Adam is η·g/(|g| + ε).
        self.assertAlmostEqual(1 - 0.1 * 0.5 / (0.5 + 1e-8), adam.step(weights, gradient)[0], places=12)

    def test_training_lowers_the_loss_and_repeats_itself_and_counts_what_is_left_of_the_split(self) -> None:
        model, examples = training.Model(MODEL), examples_of(20)
        weights = np.random.default_rng(3).normal(size=model.parameters).astype(np.float32)
        first, again = (training.train(model, weights, examples, example_task()) for _ in range(2))
        np.testing.assert_array_equal(first.update, again.update)
        self.assertEqual(15, first.examples)
        before = model.loss_and_gradient(weights.astype(np.float64), examples.inputs, examples.labels, "crossEntropy")[0]
        after = model.loss_and_gradient(weights + first.update, examples.inputs, examples.labels, "crossEntropy")[0]
        self.assertLess(after, before)

    def test_other_layers_and_losses_that_do_not_fit_are_refused(self) -> None:
        for spec in [{"name": "cnn", "inputShape": [1, 8, 8], "outputs": 2}, {"layers": [{"kind": "conv2d", "outputs": 2, "kernel": 3}], "inputShape": [1, 8, 8], "outputs": 2}]:
            with self.assertRaises(training.Unsupported):
                training.Model(spec)
        model = training.Model(MODEL)
        fitting = example_task(data=SPEC, baseModel={"sizeBytes": 4 * model.parameters + 200})
        self.assertIsNone(training.check(model, fitting))
        for changes in [
            {"training": {"loss": "binaryCrossEntropy"}},
            {"training": {"loss": "meanSquaredError"}},
            {"data": SPEC | {"columns": SPEC["columns"][1:]}},
            {"data": SPEC | {"label": {"name": "ill"}}},
            {"data": SPEC | {"label": {"name": "ill", "classes": ["no", "yes", "unknown"]}}},
            {"baseModel": {"sizeBytes": 4 * model.parameters - 1}},
            {"baseModel": {"sizeBytes": 1 << 22}},
        ]:
            with self.subTest(changes):
                self.assertIsNotNone(training.check(model, fitting | changes))


def examples_of(rows: int) -> data.Examples:
    """Rows of three inputs, each a unit, whose class the first of them tells."""
    draw = np.random.default_rng(2)
    inputs = draw.normal(size=(rows, 3)).astype(np.float32)
    return data.Examples(inputs, (inputs[:, 0] > 0).astype(np.int64), [np.array([row]) for row in range(rows)])


class PrivacyTests(unittest.TestCase):
    def test_a_clipped_vector_is_in_the_ball_and_a_short_one_stays(self) -> None:
        case = VECTORS["clipping"]
        np.testing.assert_array_equal(case["clipped"], privacy.clip(np.array(case["vector"]), case["clipNorm"]))
        draw = np.random.default_rng(4)
        for size in (1, 10, 10_000):
            for scale in (1e-3, 1.0, 1e6):
                vector = draw.normal(size=size) * scale
                released = privacy.protect(vector, {"clipNorm": 0.7, "noiseMultiplier": None})
                # Of the very floats that are sent, summed exactly.
                self.assertLessEqual(math.fsum(float(value) ** 2 for value in released), 0.7**2)
        np.testing.assert_array_equal([0.1, 0.2], privacy.clip(np.array([0.1, 0.2]), 1))
        for bad in (math.nan, math.inf, 1e300):
            np.testing.assert_array_equal([0, 0], privacy.clip(np.array([bad, 1]), 1))

    def test_one_example_more_or_less_moves_a_step_without_its_noise_by_at_most_the_clipping_norm_over_qn(self) -> None:
        model, examples = training.Model(MODEL), examples_of(30)
        weights = np.random.default_rng(5).normal(size=model.parameters)
        largest = PLAN["clipNorm"] / (PLAN["samplingProbability"] * PLAN["declaredExamples"])
        # Scaled up, so that every gradient is clipped and the bound is reached.
        gradients = lambda unit: 100 * model.loss_and_gradient(weights, examples.inputs[[unit]], examples.labels[[unit]], "crossEntropy")[1]
        everyone = np.arange(30)
        whole = privacy.dp_sgd_gradient(gradients, everyone, model.parameters, PLAN, silence)
        for left in range(30):
            moved = whole - privacy.dp_sgd_gradient(gradients, np.delete(everyone, left), model.parameters, PLAN, silence)
            self.assertLessEqual(np.linalg.norm(moved), largest)
            self.assertGreater(np.linalg.norm(moved), 0.99 * largest)

    def test_a_unit_of_many_rows_counts_as_one_example(self) -> None:
        model, examples = training.Model(MODEL), examples_of(30)
        joined = data.Examples(examples.inputs, examples.labels, [np.arange(20), np.arange(20, 30)])
        seen = []
        original = privacy.poisson_sample
        privacy.poisson_sample = lambda count, probability: (seen.append(count), np.arange(count))[1]
        try:
            task = example_task(privacy={"dpSgd": PLAN | {"steps": 1}, "clipNorm": None, "noiseMultiplier": None})
            task["training"]["validationFraction"] = 0
            result = training.train(model, np.ones(model.parameters, dtype=np.float32), joined, task)
        finally:
            privacy.poisson_sample = original
        self.assertEqual(([2], 2, None), (seen, result.examples, result.loss))

    def test_every_step_adds_noise_of_the_planned_size_even_to_an_empty_sample(self) -> None:
        size = 200_000
        step = privacy.dp_sgd_gradient(lambda _: self.fail("nothing was drawn"), np.zeros(0, dtype=np.int64), size, PLAN)
        deviation = PLAN["noiseMultiplier"] * PLAN["clipNorm"] / (PLAN["samplingProbability"] * PLAN["declaredExamples"])
        # Six standard errors of a variance from so many draws, σ²·√(2/size): once in 10⁹ runs.
        self.assertAlmostEqual(1, step.var() / deviation**2, delta=6 * math.sqrt(2 / size))
        self.assertAlmostEqual(0, step.mean() / deviation, delta=6 / math.sqrt(size))

    def test_a_released_update_has_noise_of_z_times_C_and_never_the_same_twice(self) -> None:
        terms = {"clipNorm": 2.0, "noiseMultiplier": 1.5}
        first, second = (privacy.protect(np.zeros(100_000), terms) for _ in range(2))
        self.assertAlmostEqual(1, float(first.astype(np.float64).var()) / 9, delta=6 * math.sqrt(2 / 100_000))
        self.assertLess(abs(float(np.corrcoef(first, second)[0, 1])), 6 / math.sqrt(100_000))
        self.assertFalse(np.array_equal(first, second))
        self.assertTrue(np.isfinite(privacy.protect(np.array([math.nan, 1]), terms)).all())
        self.assertTrue(np.isfinite(privacy.protect(np.array([1e300, 1]), terms)).all())
        # Noised in its steps already: an update that diverged counts as none.
        steps = {"dpSgd": PLAN, "clipNorm": None, "noiseMultiplier": None}
        np.testing.assert_array_equal([0, 0], privacy.protect(np.array([math.nan, 1]), steps))

    def test_all_that_is_random_comes_from_the_systems_generator(self) -> None:
        asked: list[int] = []
        for value in (0, 255, 0):
            with mock.patch("os.urandom", lambda count: (asked.append(count), bytes([value]) * count)[1]):
                noise, sample = privacy.gaussian(5, 1.0), privacy.poisson_sample(7, 0.5)
            # 128 bits for each of three pairs, and 64 for each unit.
            self.assertEqual((48 + 56, value == 0), (sum(asked), len(sample) == 7))
            asked.clear()
            # Of zeros: the smallest u = 2⁻⁶⁵ and the angle 0. Of ones: u = 1, and so no radius.
            np.testing.assert_allclose(noise[:3], math.sqrt(2 * 65 * math.log(2)) if value == 0 else 0, rtol=1e-12)

    def test_a_poisson_sample_takes_each_unit_by_itself(self) -> None:
        sizes = [len(privacy.poisson_sample(1000, 0.2)) for _ in range(500)]
        # A binomial's variance is n·q·(1 − q) = 160, which a fixed batch size would not have.
        self.assertAlmostEqual(200, float(np.mean(sizes)), delta=6 * math.sqrt(160 / 500))
        self.assertAlmostEqual(160, float(np.var(sizes)), delta=6 * 160 * math.sqrt(2 / 500))
        np.testing.assert_array_equal(np.arange(5), privacy.poisson_sample(5, 1))
        self.assertEqual(0, len(privacy.poisson_sample(1000, 1e-18)))


if __name__ == "__main__":
    unittest.main()
