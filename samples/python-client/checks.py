"""What a server may send. Types, ranges and sizes are checked before anything is done with a task: a hostile server must not get more than a refusal."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable

Check = Callable[[object, str], None]
"""Takes a value and its name, and raises ``Malformed`` where the value is not as it should be."""

_LEASE = re.compile(r"(?:([0-9]{1,4})\.)?([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,7})?)")
_LEASE_SECONDS = (0.1, 30 * 86400)
_LARGEST_MODEL = 1 << 28
_MOST_LAYERS = 256
_MOST_COLUMNS = 100_000


class Malformed(ValueError):
    """The server sent what it should not. The message names the value and what was expected; it has nothing of the owner's in it."""


def read_json(data: bytes) -> object:
    """A JSON text as Python has it, without NaN and infinities.

    :raises Malformed: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Malformed("The answer is not JSON that this client can read.") from error


def read_envelope(offer: object, client_id: str) -> dict:
    """The task of an offer: checked as far as is needed to refuse it."""
    _object({"state": _one_of("dispatched", "accepted"), "task": _object({"clientId": _one_of(client_id), "runId": _ID, "roundId": _ID, "reservationId": _ID,
        "round": _whole(0, 2**31), "leaseNumber": _whole(1, 2**31), "leaseToken": _text(200, "[!-~]*")})})(offer, "offer")
    return offer["task"]  # type: ignore[index]


def check_task(task: dict) -> None:
    """Checks all of a task that training reads."""
    _TASK(task, "task")
    privacy = task.get("privacy") or {}
    if privacy.get("noiseMultiplier") is not None and privacy.get("clipNorm") is None:
        raise Malformed("task.privacy has a noise multiplier without a clipping norm.")
    for at, column in enumerate(task["data"].get("columns") or []):
        if column["kind"] == "categorical" and not column.get("categories"):
            raise Malformed(f"task.data.columns[{at}] is categorical; expected categories.")


def check_answers(answer: dict) -> None:
    """Checks a list of offers, but not the offers."""
    _object({"blobsUrl": _maybe(_text(2000)), "tasks": _list(_any, 1000)})(answer, "answer")


def check_status(answer: dict) -> None:
    """Checks what is told of where a task stands."""
    _object({"state": _text(20), "detail": _maybe(_text(10_000))})(answer, "answer")


def check_enrolled(answer: dict) -> None:
    """Checks what is told of an enrolment."""
    _object({"clientId": _name, "owner": _text(200), "keySha256": _hash, "state": _text(20)})(answer, "answer")


def seconds_of(lease: str) -> float:
    """A duration as .NET writes it: [days.]hours:minutes:seconds[.fraction]."""
    match = _LEASE.fullmatch(lease)
    if match is None:
        raise Malformed(f"A lease of {_short(lease)}; expected [days.]hours:minutes:seconds.")
    days, hours, minutes, seconds = match.groups()
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def moment_of(text: str) -> datetime.datetime:
    """A moment as .NET writes it: seven digits of a second, of which this parser takes six."""
    try:
        moment = datetime.datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text))
    except ValueError as error:
        raise Malformed(f"A moment of {_short(text)}; expected ISO 8601.") from error
    if moment.tzinfo is None:
        raise Malformed(f"A moment of {_short(text)}; expected one with an offset from UTC.")
    return moment


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON.")


def _any(value: object, where: str) -> None:
    """Whatever it is, it is not read."""


def _bool(value: object, where: str) -> None:
    if type(value) is not bool:
        raise Malformed(f"{where} is {_short(value)}; expected true or false.")


def _whole(low: int, high: int) -> Check:
    def check(value: object, where: str) -> None:
        if type(value) is not int or not low <= value <= high:
            raise Malformed(f"{where} is {_short(value)}; expected a whole number from {low} to {high}.")

    return check


def _number(low: float, high: float) -> Check:
    def check(value: object, where: str) -> None:
        if type(value) not in (int, float) or not low <= value <= high:  # type: ignore[operator]
            raise Malformed(f"{where} is {_short(value)}; expected a number from {low} to {high}.")

    return check


def _text(longest: int, pattern: str | None = None) -> Check:
    def check(value: object, where: str) -> None:
        if not isinstance(value, str) or len(value) > longest or pattern is not None and not re.fullmatch(pattern, value):
            raise Malformed(f"{where} is {_short(value)}; expected a text of at most {longest} characters{f' like {pattern}' if pattern else ''}.")

    return check


def _one_of(*texts: str) -> Check:
    def check(value: object, where: str) -> None:
        if value not in texts:
            raise Malformed(f"{where} is {_short(value)}; expected {' or '.join(texts)}.")

    return check


def _maybe(inner: Check) -> Check:
    """Null and absent are the same."""

    def check(value: object, where: str) -> None:
        if value is not None:
            inner(value, where)

    return check


def _list(element: Check, most: int, least: int = 0) -> Check:
    def check(value: object, where: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Malformed(f"{where} is {_short(value)}; expected {least} to {most} elements.")
        for at, one in enumerate(value):
            element(one, f"{where}[{at}]")

    return check


def _object(members: dict[str, Check], is_closed: bool = False) -> Check:
    """:param is_closed: whether a member that is not known is refused: it might change what training or privacy means."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise Malformed(f"{where} is {_short(value)}; expected an object.")
        if is_closed and (unknown := [name for name, one in value.items() if name not in members and one is not None]):
            raise Malformed(f"{where} has {_short(unknown[0])}, which this client does not know.")
        for name, inner in members.items():
            inner(value.get(name), f"{where}.{name}")

    return check


def _lease(value: object, where: str) -> None:
    _text(40)(value, where)
    if not _LEASE_SECONDS[0] <= seconds_of(value) <= _LEASE_SECONDS[1]:  # type: ignore[arg-type]
        raise Malformed(f"{where} is {_short(value)}; expected {_LEASE_SECONDS[0]} to {_LEASE_SECONDS[1]} seconds.")


def _deadline(value: object, where: str) -> None:
    _text(40)(value, where)
    moment_of(value)  # type: ignore[arg-type]


_ID = _text(36, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_hash = _text(64, "[0-9a-f]{64}")
_name = _text(64, "[a-z0-9-]+")
_NORM, _NOISE = _number(1e-6, 1e6), _number(1e-9, 1e9)
_scaling = {"mean": _maybe(_number(-1e308, 1e308)), "scale": _maybe(_number(1e-300, 1e300))}
_categories = _maybe(_list(_text(10_000), _MOST_COLUMNS, 1))
_COLUMN = _object(
    {"name": _text(200), "kind": _one_of("numeric", "categorical"), "missing": _maybe(_number(-1e308, 1e308)), "categories": _categories, "other": _maybe(_bool), **_scaling},
    is_closed=True,
)
_LAYER = _object({"kind": _text(20), "outputs": _maybe(_whole(1, 10**6))})
_TASK = _object({
    "attempt": _whole(1, 2**31),
    "seed": _whole(0, 2**53),
    "lease": _lease,
    "deadlineAt": _deadline,
    "baseModel": _object({"sha256": _hash, "sizeBytes": _whole(1, _LARGEST_MODEL)}),
    "model": _object({
        "name": _maybe(_text(20)),
        "hidden": _maybe(_list(_whole(1, 10**6), _MOST_LAYERS)),
        "layers": _maybe(_list(_LAYER, _MOST_LAYERS)),
        "inputShape": _list(_whole(1, 10**6), 3, 1),
        "outputs": _whole(1, 100_000),
    }),
    "data": _object({
        "dataSet": _name,
        "image": _any,
        "columns": _maybe(_list(_COLUMN, _MOST_COLUMNS)),
        "label": _maybe(_object({"name": _text(200), "classes": _categories, **_scaling}, is_closed=True)),
        "privacyUnitColumn": _maybe(_text(64)),
    }, is_closed=True),
    "training": _object({
        "loss": _one_of("crossEntropy", "binaryCrossEntropy", "meanSquaredError"),
        "optimizer": _one_of("sgd", "adam"),
        "learningRate": _number(1e-12, 1e6),
        "momentum": _maybe(_number(0, 0.9999)),
        "weightDecay": _maybe(_number(0, 100)),
        "batchSize": _whole(1, 100_000),
        "localEpochs": _maybe(_whole(1, 1000)),
        "validationFraction": _maybe(_number(0, 0.9)),
    }, is_closed=True),
    "privacy": _maybe(_object({
        "dpSgd": _maybe(_object({
            "samplingProbability": _number(5e-324, 1),
            "steps": _whole(1, 2**31),
            "clipNorm": _NORM,
            "noiseMultiplier": _NOISE,
            "declaredExamples": _whole(1, 2**31),
        }, is_closed=True)),
        "clipNorm": _maybe(_NORM),
        "noiseMultiplier": _maybe(_NOISE),
    }, is_closed=True)),
})
