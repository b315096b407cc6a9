"""From an offered task to an announced update."""

from __future__ import annotations

import datetime
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import checks
import data
import privacy
import safetensors
import training
from books import Books, Limits, Made
from edge import Blobs, Edge, Refused, Unreachable, Until
from signing import Key, signature

_LONGEST_DETAIL = 1000
_ENDED = {"admitted", "carried", "failed", "late", "refused", "rejected"}


@dataclass(frozen=True)
class DataSet:
    """A data set as it was enrolled."""

    path: Path
    examples: int
    unit_column: str | None


class Declined(Exception):
    """A task is not done. The message leaves this machine: it quotes no data."""

    def __init__(self, reason: str, detail: str, tells: bool = False) -> None:
        """:param tells: whether that it is declined tells something of the data that was not told before. Then it counts as a task that was done."""
        super().__init__(detail)
        self.reason, self.tells = reason, tells


class Lease:
    """Renews a task's lease every third of it while the block runs. By this client's own clock it is lost after a whole lease without an answer."""

    def __init__(self, edge: Edge, task: dict, log: Callable[[str], None]) -> None:
        self._edge, self._task, self._log = edge, task, log
        self._seconds = checks.seconds_of(task["lease"])
        self.ends_at = time.monotonic() + self._seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    @property
    def is_lost(self) -> bool:
        """Whether the task may be another's by now."""
        return time.monotonic() >= self.ends_at

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._ended.wait(self._seconds / 3):
            begin = time.monotonic()
            try:
                self._edge.tell(self._task, "renew")
                self.ends_at = begin + self._seconds
            except Unreachable as error:
                self._log(f"the lease was not renewed: {error}")
            except Refused as refused:
                self._log(f"the lease is gone: {refused}")
                self.ends_at = begin
                return


class Runner:
    """Does a client's tasks, one after the other."""

    def __init__(
        self, edge: Edge, key: Key, client_id: str, books: Books, sets: dict[str, DataSet], limits: Limits, log: Callable[[str], None], stopping: threading.Event
    ) -> None:
        self._edge, self._key, self._client_id, self._books, self._sets = edge, key, client_id, books, sets
        self._limits, self._log, self._stopping = limits, log, stopping
        self._read: tuple[object, data.Examples | data.DataError, str] | None = None

    def do(self, offer: dict, blobs_url: str | None) -> None:
        """Takes a task that is offered, or goes on with one that was accepted before a crash."""
        task = checks.read_envelope(offer, self._client_id)
        name = f"round {task['round']} of run {task['runId']}"
        if self._books.is_settled(task["reservationId"]):
            # The server knows less than these books, as after a restore of its own: nothing is done twice, and it is not asked in a circle.
            self._stopping.wait(1)
            return
        made = self._books.made(task["reservationId"])
        try:
            blobs = self._check(task, blobs_url)
            prepared = self._prepare(offer) if made is None else None
        except Declined as declined:
            self._decline(offer, name, declined)
            return
        lease = Lease(self._edge, task, self._log)
        answer = self._edge.tell(task, "accept" if offer["state"] == "dispatched" else "renew")
        self._log(f"{name}: accepted")
        accepted = checks.read_envelope(answer, self._client_id)
        if accepted | {"leaseToken": ""} != task | {"leaseToken": ""}:
            raise checks.Malformed("The task changed while it was accepted.")
        task = accepted
        deadline = time.monotonic() + (checks.moment_of(task["deadlineAt"]) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()

        def until() -> float:
            return min(deadline, lease.ends_at)

        with lease:
            try:
                if prepared is not None:
                    made = self._make(task, *prepared, blobs.model(task, until), lease)
                    self._books.keep(task["reservationId"], made)
                if lease.is_lost:
                    raise training.Stopped
                blobs.send(task, made.content, made.signature, until)
            except training.Stopped:
                reason = ("LEASE_LOST", "No sign of life for a whole lease.") if lease.is_lost else ("STOPPING", "The client stops; the lease is handed back.")
                return self._give_up(task, name, *reason)
            except Unreachable:
                if made is None and self._stopping.is_set():
                    return self._give_up(task, name, "STOPPING", "The client stops; the lease is handed back.")
                # Tried again when the task is offered again, or, if the update was made, when it is found in the books.
                raise
            except (Refused, safetensors.SafetensorsError) as error:
                return self._give_up(task, name, "FAILED", str(error))
            # Not given up when it is turned away: an announcement whose answer was lost may have been heard.
            self._submit(task, made, until)
            self._log(f"{name}: submitted")

    @property
    def awaits_answers(self) -> bool:
        """Whether an update was made that the server has not answered for."""
        return bool(self._books.open())

    def settle(self) -> None:
        """Asks how the updates fared that were sent, and forgets the bytes of those that were answered."""
        for reservation_id, round_id in self._books.open():
            stands = self._edge.state(round_id)
            state, detail = ("gone", None) if stands is None else (stands["state"], stands.get("detail"))
            if stands is None or state in _ENDED:
                self._books.settle(reservation_id, state, detail)
                self._log(f"task {reservation_id}: {state}{f', {detail}' if detail else ''}")

    def _prepare(self, offer: dict) -> tuple[training.Model, data.Examples]:
        """All that can be wrong with a task is found before it is accepted: then nothing has left, and the charge is given back."""
        task = offer["task"]
        known = self._books.knows(task["reservationId"])
        if offer["state"] != "dispatched" and not known:
            raise Declined("FAILED", "The client's books do not have this task, so it may have released an update of it before.")
        spec = task["data"]
        data_set = self._sets[spec["dataSet"]]
        try:
            model = training.model_of(task["model"])
        except training.Unsupported as error:
            raise Declined("UNSUPPORTED_MODEL", str(error)) from error
        try:
            wrong = training.check(model, task)
        except data.DataError as error:
            wrong = str(error)
        if wrong is not None:
            raise Declined("BAD_TASK", wrong)
        if (veto := self._books.enter(task, *_spent(task), self._limits)) is not None:
            raise Declined("OWNER_POLICY", veto)
        examples = self._examples(data_set.path, spec, task["reservationId"])
        if len(examples.units) > data_set.examples:
            # No more than the number, which is public.
            raise Declined("BAD_DATA", f"Data set {spec['dataSet']} has grown since it was enrolled; expected a new enrolment.")
        return model, examples

    def _check(self, task: dict, blobs_url: str | None) -> Blobs:
        """Checks what is the same for a task that was made already. Nothing of the data is looked at."""
        try:
            checks.check_task(task)
        except checks.Malformed as error:
            raise Declined("BAD_TASK", str(error)) from error
        spec = task["data"]
        if spec["dataSet"] not in self._sets:
            raise Declined("UNKNOWN_DATA_SET", f"This client has no data set {spec['dataSet']}.")
        if spec.get("privacyUnitColumn") != self._sets[spec["dataSet"]].unit_column:
            raise Declined("OTHER_PRIVACY_UNIT", "The run counts other privacy units than the owner of the data does.")
        try:
            return self._edge.blobs(blobs_url)
        except ValueError as error:
            raise Declined("OWNER_POLICY", str(error)) from error

    def _submit(self, task: dict, made: Made, until: Until) -> None:
        while True:
            try:
                self._edge.tell(task, "submit", signature=made.signature, **made.body)
                return
            except Unreachable:
                if time.monotonic() >= until() or self._stopping.wait(1):
                    raise

    def _make(self, task: dict, model: training.Model, examples: data.Examples, base: bytes, lease: Lease) -> Made:
        begin = time.monotonic()
        weights = safetensors.read(base, model.layout)
        local = training.train(model, weights, examples, task, lambda: self._stopping.is_set() or lease.is_lost)
        content = safetensors.write(model.layout, privacy.protect(local.update, task.get("privacy")))
        count = count_of(task, local.examples)
        signed = signature(self._key, task, content, count)
        body = {
            "update": {"sha256": safetensors.sha256(content), "sizeBytes": len(content)},
            "exampleCount": count,
            "trainingLoss": local.loss if local.loss is not None and math.isfinite(local.loss) else None,
            "trainingSeconds": None if task.get("privacy") else time.monotonic() - begin,
        }
        return Made(content, signed, body)

    def _examples(self, path: Path, spec: dict, reservation_id: str) -> data.Examples:
        """The data set as the task declares it; read again only when the file or the declaration is another."""
        try:
            stat = path.stat()
            key = (path, stat.st_mtime_ns, stat.st_size, repr(spec))
            if self._read is None or self._read[0] != key:
                self._read = (key, self._read_file(path, spec), reservation_id)
        except OSError as error:
            self._log(f"data set {spec['dataSet']}: {error}")
            raise Declined("BAD_DATA", f"Data set {spec['dataSet']} can't be read; the client's own log says why.") from error
        _, read, first_id = self._read
        if isinstance(read, data.DataError):
            self._log(f"data set {spec['dataSet']}: {read}")
            raise Declined("BAD_DATA", f"Data set {spec['dataSet']} does not fit the run's declaration; the client's own log says where.", tells=reservation_id == first_id) from read
        return read

    @staticmethod
    def _read_file(path: Path, spec: dict) -> data.Examples | data.DataError:
        try:
            return data.read(path, spec)
        except data.DataError as error:
            return error

    def _decline(self, offer: dict, name: str, declined: Declined) -> None:
        task = offer["task"]
        self._log(f"{name}: declined, {declined.reason}: {declined}")
        if offer["state"] == "dispatched":
            self._edge.tell(task, "refuse", reasonCode=declined.reason, detail=str(declined)[:_LONGEST_DETAIL])
            self._books.decline(task["reservationId"], str(declined), counts=declined.tells)
        else:
            self._edge.tell(task, "interrupt", reasonCode="FAILED", detail=str(declined)[:_LONGEST_DETAIL])

    def _give_up(self, task: dict, name: str, reason: str, detail: str) -> None:
        self._log(f"{name}: given up, {reason}: {detail}")
        try:
            self._edge.tell(task, "interrupt", reasonCode=reason, detail=detail[:_LONGEST_DETAIL])
        except (Refused, Unreachable) as error:
            self._log(f"{name}: {error}")


def count_of(task: dict, trained: int) -> int | None:
    """The examples that an update claims: those trained on without privacy, those declared under DP-SGD alone, and none otherwise."""
    terms = task.get("privacy")
    if terms is None:
        return trained
    return terms["dpSgd"]["declaredExamples"] if terms.get("dpSgd") and terms.get("clipNorm") is None else None


def _spent(task: dict) -> tuple[float | None, float]:
    """The smallest noise multiplier that the client itself adds, and the ρ it spends."""
    terms = task.get("privacy") or {}
    noise = [part["noiseMultiplier"] for part in (terms.get("dpSgd"), terms) if part and part.get("noiseMultiplier") is not None]
    return min(noise, default=None), privacy.zcdp(task.get("privacy"))
