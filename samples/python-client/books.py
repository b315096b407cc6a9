"""The client's own books: what it released, and the bytes of every update until the server has answered for it.

A row is written before the data is read for a task, and the made update before anything of it is sent. So after any crash the same bytes go out again,
never the same data with new noise; and nothing the server says can make the client release more than its owner allows.
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
create table if not exists releases (
    reservation_id text primary key,
    round_id text not null,
    run_id text not null,
    round integer not null,
    data_set text not null,
    noise_multiplier real,
    zcdp real,
    accepted_at real not null,
    state text not null,
    detail text,
    body text,
    signature text,
    content blob
) strict
"""


@dataclass(frozen=True)
class Limits:
    """What the owner allows."""

    rounds: int | None = None
    """Most tasks that are ever accepted of one data set."""

    noise: float | None = None
    """Smallest noise multiplier the client itself must be asked to add."""

    zcdp: float | None = None
    """Most ρ that is ever spent on one data set."""


@dataclass(frozen=True)
class Made:
    """An update that is ready to be sent, or was."""

    content: bytes
    signature: dict
    body: dict
    """What the submission says beside the lease and the signature."""


class Books:
    """One SQLite file. Entries are never deleted; an update's bytes are, once the server has answered."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = full")
        # What is let go of an update is overwritten: one without noise is as private as the data.
        self._database.execute("pragma secure_delete = on")
        self._database.execute(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def enter(self, task: dict, noise: float | None, zcdp: float, limits: Limits) -> str | None:
        """Enters a task before it is accepted, once for its reservation, or says why the owner does not allow it.

        :param noise: z that the client itself adds; None for no noise.
        :param zcdp: ρ, inf without noise.
        """
        with self._database:
            self._database.execute("begin immediate")
            name, cost = task["data"]["dataSet"], zcdp if math.isfinite(zcdp) else None
            entered = self._row(task["reservationId"], "data_set, noise_multiplier, zcdp")
            if entered is not None:
                return None if entered == (name, noise, cost) else "The task was entered with other terms before."
            rounds, unbounded, spent = self._database.execute(
                "select count(*), count(*) filter (where zcdp is null), coalesce(sum(zcdp), 0) from releases where data_set = ? and state <> 'declined'", (name,)
            ).fetchone()
            if limits.rounds is not None and rounds >= limits.rounds:
                return f"The owner allows {limits.rounds} rounds on {name}, and so many were accepted."
            if limits.noise is not None and (noise is None or noise < limits.noise):
                return f"The task asks for noise of z = {noise}; the owner allows no less than {limits.noise}."
            if limits.zcdp is not None and (unbounded or not spent + zcdp <= limits.zcdp):
                return f"The task would bring what was spent on {name} above the owner's limit."
            self._database.execute(
                "insert into releases (reservation_id, round_id, run_id, round, data_set, noise_multiplier, zcdp, accepted_at, state)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, 'entered')",
                (task["reservationId"], task["roundId"], task["runId"], task["round"], name, noise, cost, time.time()),
            )
            return None

    def knows(self, reservation_id: str) -> bool:
        """Whether a task was entered."""
        return self._row(reservation_id, "state") is not None

    def is_settled(self, reservation_id: str) -> bool:
        """Whether a task has ended here: its update was answered, and its bytes are gone."""
        row = self._row(reservation_id, "state")
        return row is not None and row[0] not in ("entered", "made")

    def keep(self, reservation_id: str, made: Made) -> None:
        """Keeps a made update; afterwards it survives a power cut. There is one for a task, ever."""
        changed = self._database.execute(
            "update releases set state = 'made', content = ?, signature = ?, body = ? where reservation_id = ? and state = 'entered'",
            (made.content, json.dumps(made.signature), json.dumps(made.body), reservation_id),
        ).rowcount
        if changed != 1:
            raise RuntimeError(f"Task {reservation_id} has an update already, or was not entered.")

    def made(self, reservation_id: str) -> Made | None:
        """The update that was made for a task; None when there is none, or it is settled."""
        row = self._row(reservation_id, "content, signature, body")
        return None if row is None or row[0] is None else Made(row[0], json.loads(row[1]), json.loads(row[2]))

    def open(self) -> list[tuple[str, str]]:
        """Reservation and round of each update that the server has not answered for."""
        return self._database.execute("select reservation_id, round_id from releases where state = 'made' order by accepted_at").fetchall()

    def settle(self, reservation_id: str, state: str, detail: str | None) -> None:
        """Notes how a task ended; its bytes are of no more use."""
        self._database.execute(
            "update releases set state = ?, detail = ?, content = null where reservation_id = ?", (state, detail, reservation_id)
        )

    def decline(self, reservation_id: str, detail: str, counts: bool) -> None:
        """Notes that a task was refused: one without an update, for an update may have left.

        :param counts: whether it counts like one that was done, because the refusal itself tells of the data.
        """
        self._database.execute(
            "update releases set state = ?, detail = ? where reservation_id = ? and state = 'entered'", ("unfit" if counts else "declined", detail, reservation_id)
        )

    def summary(self) -> list[tuple[str, int, int, float, int]]:
        """For each data set: its name, tasks entered, those without own noise, ρ of the others, and updates admitted."""
        return self._database.execute(
            "select data_set, count(*), count(*) filter (where zcdp is null), coalesce(sum(zcdp), 0), count(*) filter (where state = 'admitted')"
            " from releases where state <> 'declined' group by data_set order by data_set"
        ).fetchall()

    def _row(self, reservation_id: str, columns: str) -> tuple | None:
        return self._database.execute(f"select {columns} from releases where reservation_id = ?", (reservation_id,)).fetchone()
