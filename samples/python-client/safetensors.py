"""Reads and writes models and updates as safetensors with float32 tensors, https://github.com/huggingface/safetensors."""

from __future__ import annotations

import hashlib
import json
import math
import struct

import numpy as np

Layout = list[tuple[str, tuple[int, ...]]]
"""Names and shapes of a model's tensors, in the order in which they stand in its vector of parameters."""

LONGEST_HEADER = 1 << 20
_MOST_DIMENSIONS = 8


class SafetensorsError(ValueError):
    """A file is not what it should be. The message may leave this machine: it quotes no values."""


def parameter_count(layout: Layout) -> int:
    """P, the elements of all tensors."""
    return sum(math.prod(shape) for _, shape in layout)


def write(layout: Layout, values: np.ndarray) -> bytes:
    """The file of a vector of parameters.

    :param values: shape [P]; rounded to float32.
    """
    header, offset = {}, 0
    for name, shape in layout:
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    if offset != 4 * values.size:
        raise ValueError(f"{values.size} values do not fit a layout of {offset // 4}.")
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + values.astype("<f4").tobytes()


def read(data: bytes, layout: Layout) -> np.ndarray:
    """The vector of parameters in a file, float32 of shape [P]. The file holds the layout's tensors in any order, and nothing else.

    Nothing in the file is believed: lengths are checked before anything is sliced, and tensors fill the data without gap or overlap.
    """
    tensors, body = _header(data)
    values, position = {}, 0
    for begin, end, name, shape in sorted((*_offsets(name, entry, len(body)), name, _shape(name, entry)) for name, entry in tensors.items()):
        if begin != position:
            raise SafetensorsError(f"Tensor {name[:64]!r} begins at byte {begin} of the data; expected {position}.")
        if end - begin != 4 * math.prod(shape):
            raise SafetensorsError(f"Tensor {name[:64]!r} of shape {list(shape)} has {end - begin} bytes, which is not four an element.")
        values[name], position = (shape, np.frombuffer(body[begin:end], dtype="<f4")), end
    if position != len(body):
        raise SafetensorsError(f"The tensors end at byte {position} of {len(body)}.")
    if set(values) != {name for name, _ in layout}:
        raise SafetensorsError(f"The file has {len(values)} tensors with other names than the model's.")
    for name, shape in layout:
        if values[name][0] != shape:
            raise SafetensorsError(f"Tensor {name!r} has the shape {list(values[name][0])}; expected {list(shape)}.")
    return np.concatenate([values[name][1] for name, _ in layout]) if layout else np.zeros(0, dtype="<f4")


def _header(data: bytes) -> tuple[dict, memoryview]:
    if len(data) < 8:
        raise SafetensorsError(f"A file of {len(data)} bytes; expected at least 8.")
    (length,) = struct.unpack_from("<Q", data)
    if length > min(LONGEST_HEADER, len(data) - 8):
        raise SafetensorsError(f"A header of {length} bytes in a file of {len(data)}.")
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_once)
    except SafetensorsError:
        raise
    except (ValueError, RecursionError) as error:
        raise SafetensorsError("The header is not valid JSON.") from error
    if not isinstance(header, dict):
        raise SafetensorsError("The header is not an object of tensors.")
    header.pop("__metadata__", None)
    return header, memoryview(data)[8 + length :]


def _once(pairs: list[tuple[str, object]]) -> dict:
    if len({name for name, _ in pairs}) != len(pairs):
        raise SafetensorsError("A name comes twice in the header.")
    return dict(pairs)


def _offsets(name: str, entry: object, length: int) -> tuple[int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"} or entry["dtype"] != "F32":
        raise SafetensorsError(f"Tensor {name[:64]!r} is not described by dtype F32, shape and data_offsets.")
    offsets = entry["data_offsets"]
    if not _are_counts(offsets) or len(offsets) != 2 or not offsets[0] <= offsets[1] <= length:
        raise SafetensorsError(f"Tensor {name[:64]!r} does not lie within the {length} bytes of data.")
    return offsets[0], offsets[1]


def _shape(name: str, entry: dict) -> tuple[int, ...]:
    if not _are_counts(entry["shape"]) or len(entry["shape"]) > _MOST_DIMENSIONS:
        raise SafetensorsError(f"Tensor {name[:64]!r} has no shape of at most {_MOST_DIMENSIONS} whole numbers.")
    return tuple(entry["shape"])


def _are_counts(values: object) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 62 for value in values)


def sha256(data: bytes) -> str:
    """The name of a blob: 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
