#!/usr/bin/env python3
"""Writes the sample's CSV files: entirely synthetic, no patient is behind any row.

Three hospitals differ in size, in the age and diagnoses of those who come, and in how much is missing; what makes a readmission likely is the
same everywhere. The files in this folder are its output; with the same seed it writes them again, byte for byte.
"""

import math
import random
from pathlib import Path

HEADER = "age,systolic,stay_days,diagnosis,smoker,readmitted"
DIAGNOSES = ["circulatory", "respiratory", "endocrine", "injury"]
EFFECTS = {"circulatory": 0.7, "respiratory": 1.1, "endocrine": 0.2, "injury": -1.0}


class Draw:
    """Random values from uniform ones alone, which are the same in every version of Python."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def uniform(self):
        return self._random.random()

    def normal(self, mean, deviation):
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return mean + deviation * radius * math.cos(2 * math.pi * self.uniform())

    def choice(self, values, shares):
        left = self.uniform() * sum(shares)
        for value, share in zip(values, shares):
            left -= share
            if left < 0:
                return value
        return values[-1]


def patient(draw, age_mean, shares, smokers, missing):
    age = min(98, max(18, round(draw.normal(age_mean, 14))))
    systolic = min(210, max(85, round(draw.normal(118 + 0.25 * age, 16))))
    stay = min(40, max(1, round(math.exp(draw.normal(1.4, 0.6)))))
    diagnosis = draw.choice(DIAGNOSES, shares)
    smoker = draw.uniform() < smokers
    logit = (
        -1.6 + 0.05 * (age - 60) + 0.025 * (systolic - 133) + 0.12 * (stay - 5)
        + (0.9 if smoker else 0) + EFFECTS[diagnosis]
    )
    readmitted = draw.uniform() < 1 / (1 + math.exp(-logit))
    return ",".join([
        str(age),
        "" if draw.uniform() < missing else str(systolic),
        str(stay),
        "" if draw.uniform() < missing else diagnosis,
        "yes" if smoker else "no",
        "yes" if readmitted else "no",
    ])


def main():
    hospitals = {
        # name: rows, mean age, shares of the diagnoses, share of smokers, share of missing values
        "st-anna": (620, 71, (5, 3, 2, 1), 0.20, 0.02),
        "riverside": (380, 55, (2, 2, 3, 4), 0.35, 0.06),
        "hillcrest": (240, 63, (3, 5, 1, 1), 0.45, 0.12),
    }
    folder = Path(__file__).resolve().parent
    for number, (name, (rows, *traits)) in enumerate(hospitals.items()):
        draw = Draw(100 + number)
        write(folder / f"{name}.csv", [patient(draw, *traits) for _ in range(rows)])

    # Patients of all three, whom nobody trains on.
    draw = Draw(200)
    held_out = [patient(draw, *traits) for rows, *traits in hospitals.values() for _ in range(rows // 3)]
    write(folder / "holdout.csv", held_out)


def write(path, rows):
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
