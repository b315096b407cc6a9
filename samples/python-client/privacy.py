"""Clipping, noise and DP-SGD. The guarantee that the ledger charges for rests on this file and on the order in which it is used (docs/mechanisms.md).

Everything is computed in float64. Noise and Poisson batches come from the system's cryptographic generator: whoever can guess a seed can take the
noise away again, so numpy's generators must not be used here. Noise is continuous and rounded to float32 once: it is not hardened against an observer who
looks at the lowest bits (Mironov 2012, doi:10.1145/2382196.2382264). The margin of clipping covers the rounding of sums up to 65,536 units in a step.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from fractions import Fraction

import numpy as np

CLIP_MARGIN = 1 - 2.0**-20
"""Vectors are scaled to C times this, which leaves room for every rounding that follows: the true norm is at most C."""

Noise = Callable[[int, float], np.ndarray]
"""Draws so many values, float64, of a standard deviation."""


def gaussian(count: int, deviation: float) -> np.ndarray:
    """Draws of N(0, σ²) by Box–Muller over 64-bit uniforms; float64, shape [count]."""
    pairs = (count + 1) // 2
    radius_words = np.frombuffer(os.urandom(8 * pairs), dtype="<u8").astype(np.float64)
    angle_words = np.frombuffer(os.urandom(8 * pairs), dtype="<i8").astype(np.float64)
    # u = (k + ½)·2⁻⁶⁴ is never 0, so the logarithm is finite; the largest radius is 9.5 σ.
    radius = deviation * np.sqrt(-2 * np.log((radius_words + 0.5) * 2.0**-64))
    angle = angle_words * (math.pi * 2.0**-63)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]


def poisson_sample(count: int, probability: float) -> np.ndarray:
    """Which of ``count`` units are drawn, each by itself with ⌊q·2⁶⁴⌋/2⁶⁴: q for every q of at least 2⁻¹¹, and never more.

    :param probability: q in (0, 1].
    :return: positions, ascending; there may be none.
    """
    threshold = math.floor(Fraction(probability) * (1 << 64))
    if threshold == 1 << 64:
        return np.arange(count)
    words = np.frombuffer(os.urandom(8 * count), dtype="<u8")
    return np.flatnonzero(words < np.uint64(threshold))


def clip(vector: np.ndarray, norm: float) -> np.ndarray:
    """A vector scaled by min(1, C(1 − 2⁻²⁰)/‖v‖₂); float64. One that is not finite counts as zeros: a refusal would tell that it is there.

    :param vector: shape [P].
    :param norm: C, 10⁻³⁰ to 10³⁰.
    """
    vector = vector.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        length = math.sqrt(np.square(vector).sum())
    if not math.isfinite(length):
        return np.zeros_like(vector)
    return vector * (norm * CLIP_MARGIN / length) if length > norm * CLIP_MARGIN else vector


def dp_sgd_gradient(gradients: Callable[[int], np.ndarray], drawn: np.ndarray, parameters: int, plan: dict, noise: Noise = gaussian) -> np.ndarray:
    """(Σ clip_C(gᵢ) + N(0, (zC)²)) / (q·n): what one step releases. An empty sample releases noise alone.

    :param gradients: gᵢ of a unit by its position, shape [P]: of its own loss, not of a mean over the batch.
    :param drawn: positions of the units in this step's Poisson sample.
    :param parameters: P.
    :param plan: a task's ``dpSgd``. Its n is the declared number, whatever the sample or the data set holds.
    :return: float64, shape [P].
    """
    total = np.zeros(parameters)
    for unit in drawn:
        total += clip(gradients(int(unit)), plan["clipNorm"])
    total += noise(parameters, plan["noiseMultiplier"] * plan["clipNorm"])
    return total / (plan["samplingProbability"] * plan["declaredExamples"])


def protect(update: np.ndarray, privacy: dict | None, noise: Noise = gaussian) -> np.ndarray:
    """What is done to a whole update before it is stored or sent: clipping with ``clipNorm``, then noise with ``noiseMultiplier``.

    :param update: w_local − w_global, float64, shape [P].
    :param privacy: a task's ``privacy``.
    :return: float32, shape [P]. In a private run always finite: that training diverged depends on the data.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = update.astype(np.float32)
    if privacy is None:
        return values
    if not np.isfinite(values).all():
        values = np.zeros_like(values)
    if privacy.get("clipNorm") is None:
        return values
    clipped = clip(values, privacy["clipNorm"])
    if privacy.get("noiseMultiplier") is not None:
        clipped += noise(clipped.size, privacy["noiseMultiplier"] * privacy["clipNorm"])
    return clipped.astype(np.float32)


def zcdp(privacy: dict | None) -> float:
    """ρ that a task spends at most by what the client itself noises, for an example and, without DP-SGD, for the whole data; inf where it adds no noise.

    A Gaussian of multiplier z costs 1/(2z²). Two updates differ by up to 2C, so a noised update costs 2/z². Sampling is not counted: S steps cost S/(2z²).
    """
    costs = [math.inf]
    if privacy and privacy.get("dpSgd"):
        costs.append(privacy["dpSgd"]["steps"] / (2 * privacy["dpSgd"]["noiseMultiplier"] ** 2))
    if privacy and privacy.get("noiseMultiplier") is not None:
        costs.append(2 / privacy["noiseMultiplier"] ** 2)
    return min(costs)
