"""Turns the rows of a CSV file into numbers as a task declares. Nothing is inferred from the data: a mean taken from it would leave with the model."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_MISSING = {"", "?", "na", "n/a", "nan", "null"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LARGEST_FLOAT = float(np.finfo(np.float32).max)
_MOST_VALUES = 1 << 27
_MOST_QUOTED = 80
csv.field_size_limit(1 << 20)


class DataError(ValueError):
    """The file does not fit the declaration. The message quotes the owner's data: it stays on this machine."""


@dataclass(frozen=True)
class Examples:
    """A data set as a model takes it."""

    inputs: np.ndarray
    """float32, shape [rows, inputs]."""

    labels: np.ndarray
    """Classes, int64 from 0; or numbers, float32. Shape [rows]."""

    units: list[np.ndarray]
    """Rows of each privacy unit, which are one row each where the task names no column for them."""

    def of_units(self, chosen: list[int]) -> Examples:
        """The rows of some units alone, in ascending order."""
        rows = np.sort(np.concatenate([self.units[unit] for unit in chosen])) if chosen else np.zeros(0, dtype=np.int64)
        place = {int(row): position for position, row in enumerate(rows)}
        units = [np.array([place[int(row)] for row in self.units[unit]]) for unit in chosen]
        return Examples(self.inputs[rows], self.labels[rows], units)


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and values of each row: UTF-8, commas, RFC 4180 quotes, a header line; blank lines and blanks around fields do not count."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header: list[str] | None = None
        try:
            for record in reader:
                fields = [field.strip() for field in record]
                if fields in ([], [""]):
                    continue
                if header is None:
                    if twice := [name for name in fields if fields.count(name) > 1]:
                        raise DataError(f"{path}: the header has the column {_quoted(twice[0])} twice; expected each once.")
                    header = fields
                elif len(fields) != len(header):
                    raise DataError(f"{path}, line {reader.line_num}: {len(fields)} fields; expected {len(header)}, as in the header.")
                else:
                    yield reader.line_num, dict(zip(header, fields))
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error
        if header is None:
            raise DataError(f"{path}: the file is empty; expected a header line.")


def count_units(path: Path, unit_column: str | None) -> int:
    """What enrolment declares: rows, or different values of the column that names the privacy units."""
    if unit_column is None:
        return sum(1 for _ in rows_of(path))
    return len({_unit(path, line, row, unit_column) for line, row in rows_of(path)})


def shape_of(spec: dict) -> tuple[int, int]:
    """How many inputs a task's ``data`` declares, and how many classes, which are 0 where the label is a number. Nothing of the file is looked at."""
    columns, label = spec.get("columns"), spec.get("label")
    if not columns or not label:
        raise DataError("The task declares no columns or no label, which a CSV file needs.")
    slots = [len(column["categories"]) + bool(column.get("other")) if column["kind"] == "categorical" else 1 for column in columns]
    return sum(slots), len(label.get("classes") or [])


def read(path: Path, spec: dict) -> Examples:
    """Reads a file by a task's ``data``.

    :param spec: with ``columns`` and ``label``, as docs/run-file.md describes them.
    """
    (width, classes), columns, label = shape_of(spec), spec["columns"], spec["label"]
    inputs: list[np.ndarray] = []
    labels: list[float] = []
    units: dict[object, list[int]] = {}
    unit_column = spec.get("privacyUnitColumn")
    for line, row in rows_of(path):
        where = f"{path}, line {line}"
        unit = len(inputs) if unit_column is None else _unit(path, line, row, unit_column)
        units.setdefault(unit, []).append(len(inputs))
        inputs.append(np.array([value for column in columns for value in _encode(column, row, where)], dtype=np.float32))
        if len(inputs) * width > _MOST_VALUES:
            raise DataError(f"{where}: more than {_MOST_VALUES} values of {width} inputs a row; expected fewer rows or inputs.")
        labels.append(_label(label, row, where))
    if not inputs:
        raise DataError(f"{path}: there is no row; expected at least one below the header.")
    kind = np.int64 if classes else np.float32
    return Examples(np.stack(inputs), np.array(labels, dtype=kind), [np.array(rows) for rows in units.values()])


def _encode(column: dict, row: dict[str, str], where: str) -> list[float]:
    """The inputs of one value: one for a number, one for each category and one more for ``other``."""
    value = _field(column["name"], row, where)
    if column["kind"] == "categorical":
        categories = column["categories"]
        slots = [0.0] * (len(categories) + bool(column.get("other")))
        if value in categories:
            slots[categories.index(value)] = 1.0
        elif column.get("other"):
            slots[-1] = 1.0
        else:
            raise DataError(f"{where}, column {column['name']}: {_quoted(value)} is none of the declared categories; expected {_listed(categories)}.")
        return slots
    if value.lower() in _MISSING:
        if column.get("missing") is None:
            raise DataError(f"{where}, column {column['name']}: {_quoted(value)}; expected a number, as the task declares none for missing values.")
        return [_scaled(float(column["missing"]), column, where)]
    return [_number(value, column, where)]


def _label(label: dict, row: dict[str, str], where: str) -> float:
    value = _field(label["name"], row, where)
    if label.get("classes") is None:
        return _number(value, label, where)
    if value not in label["classes"]:
        raise DataError(f"{where}, column {label['name']}: {_quoted(value)} is none of the declared classes; expected {_listed(label['classes'])}.")
    return label["classes"].index(value)


def _unit(path: Path, line: int, row: dict[str, str], column: str) -> str:
    value = _field(column, row, f"{path}, line {line}")
    if value.lower() in _MISSING:
        raise DataError(f"{path}, line {line}, column {column}: {_quoted(value)}; expected a value, as it says whose row this is.")
    return value


def _field(column: str, row: dict[str, str], where: str) -> str:
    if column not in row:
        raise DataError(f"{where}: there is no column {_quoted(column)}; expected one of {_listed(list(row))}, as in the header.")
    return row[column]


def _number(value: str, column: dict, where: str) -> float:
    if not _NUMBER.fullmatch(value) or not math.isfinite(float(value)):
        raise DataError(f"{where}, column {column['name']}: {_quoted(value)}; expected a finite number.")
    return _scaled(float(value), column, where)


def _scaled(value: float, column: dict, where: str) -> float:
    mean, scale = float(column.get("mean", 0)), float(column.get("scale", 1))
    if not (math.isfinite(mean) and math.isfinite(scale) and scale > 0):
        raise DataError(f"{where}, column {column['name']}: scaled by mean {mean} and scale {scale}; expected finite numbers, the scale above 0.")
    scaled = (value - mean) / scale
    if not abs(scaled) <= _LARGEST_FLOAT:
        raise DataError(f"{where}, column {column['name']}: {value!r} is {scaled} after scaling; expected what fits a 32-bit float.")
    return scaled


def _quoted(value: str) -> str:
    return repr(value if len(value) <= _MOST_QUOTED else f"{value[:_MOST_QUOTED]}…")


def _listed(values: list[str]) -> str:
    return ", ".join(_quoted(value) for value in values[:10]) + (f" and {len(values) - 10} more" if len(values) > 10 else "")
