"""A federated learning client: enrols by a one-time token, trains on its own CSV file, and submits signed updates over HTTPS.

    client.py enrol --server https://flevents.example --token - --data readmission=patients.csv
    client.py run --max-rounds 50 --min-noise 1.0
    client.py status
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import os
import signal
import sys
import threading
import time
from pathlib import Path

import checks
import edge
from books import Books, Limits
from data import DataError, count_units
from signing import Key, enrolment_proof, write_durably
from tasks import DataSet, Runner
from training import has_torch

_WAIT_SECONDS = 20
_WAIT_FOR_ANSWER_SECONDS = 2
_LONGEST_PAUSE = 30.0
_LONGEST_LINE = 1000


class _Stop(Exception):
    """A signal came while nothing was under way."""


def log(text: str) -> None:
    """One line to standard output, for the owner alone: of a file that does not fit it quotes the value, but it never has norms or losses."""
    say(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}")


def say(text: str) -> None:
    """Prints one line. What a server says can't forge another one, or speak to a terminal."""
    print("".join(one if one.isprintable() else "?" for one in text[:_LONGEST_LINE]), flush=True)


def enrol(options: argparse.Namespace) -> None:
    """Makes a key where there is none, tells the server what data there is, and writes down what it answers. May be repeated with the same token."""
    units, paths = _once("--unit", options.unit or []), _once("--data", options.data)
    if unknown := set(units) - set(paths):
        raise SystemExit(f"--unit names {', '.join(sorted(unknown))}, which no --data does.")
    options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Key.read_or_make(options.state / "key.pem")
    token = sys.stdin.readline().strip() if options.token == "-" else options.token
    ca_file = str(Path(options.ca_file).resolve()) if options.ca_file else None
    sets = {
        name: {"path": str(Path(path).resolve()), "unitColumn": units.get(name), "examples": count_units(Path(path), units.get(name))}
        for name, path in paths.items()
    }
    if len({kept["path"] for kept in sets.values()}) != len(sets):
        raise SystemExit("--data gives one file two names; expected one: limits are counted by name.")
    declared = [{"dataSet": name, "exampleCount": kept["examples"], "privacyUnitColumn": kept["unitColumn"]} for name, kept in sets.items()]
    body = {"token": token, "publicKey": key.public, "dataSets": declared, "signature": enrolment_proof(key, token)}
    answer = edge.enrol(options.server, ca_file, body)
    if answer["keySha256"] != key.sha256:
        raise SystemExit(f"The server has enrolled key {answer['keySha256']}; expected {key.sha256}.")
    enrolled = {"server": options.server, "caFile": ca_file, "blobsHost": options.blobs_host, "clientId": answer["clientId"], "owner": answer["owner"], "dataSets": sets}
    write_durably(options.state / "client.json", json.dumps(enrolled, indent=2).encode())
    say(f"{answer['clientId']} of {answer['owner']} is {answer['state']}. The operator approves this key, compared over another channel:")
    say(key.sha256)


def run(options: argparse.Namespace) -> None:
    """Polls for tasks and does them, until SIGTERM or Ctrl+C."""
    enrolled = _enrolled(options.state)
    with open(options.state / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SystemExit(f"Another client works in {options.state}.") from error
        key = Key.read(options.state / "key.pem")
        stopping, is_idle = threading.Event(), threading.Event()
        services = edge.Edge(enrolled["server"], key, enrolled["clientId"], enrolled["caFile"], enrolled.get("blobsHost"), stopping)
        sets = {name: DataSet(Path(kept["path"]), kept["examples"], kept["unitColumn"]) for name, kept in enrolled["dataSets"].items()}
        limits = Limits(options.max_rounds, options.min_noise, options.max_zcdp)
        books = Books(options.state / "books.sqlite")

        def stop(*_: object) -> None:
            stopping.set()
            if is_idle.is_set():
                raise _Stop

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        runner = Runner(services, key, enrolled["clientId"], books, sets, limits, log, stopping)
        log(f"{enrolled['clientId']} waits for tasks and trains on {'PyTorch' if has_torch() else 'numpy'}; most rounds {_limit(limits.rounds)}, smallest noise {_limit(limits.noise)}, most rho {_limit(limits.zcdp)}")
        try:
            _poll(services, runner, stopping, is_idle)
        except _Stop:
            pass
        finally:
            is_idle.clear()
            books.close()
        log("stopped")


def _poll(services: edge.Edge, runner: Runner, stopping: threading.Event, is_idle: threading.Event) -> None:
    # A task that was accepted before a crash is told at once: the server waits for those that are not accepted yet.
    pause, wait = 1.0, 0
    while True:
        try:
            is_idle.set()
            if stopping.is_set():
                return
            offers = services.tasks(wait)
            is_idle.clear()
            for offer in offers["tasks"]:
                if stopping.is_set():
                    return
                _do(runner, offer, offers.get("blobsUrl"), stopping)
            runner.settle()
            pause, wait = 1.0, _WAIT_FOR_ANSWER_SECONDS if runner.awaits_answers else _WAIT_SECONDS
            continue
        except edge.Unreachable as error:
            log(f"no answer: {error}")
        except edge.Refused as refused:
            # Not approved yet, suspended, or revoked: an operator may change it.
            log(f"refused: {refused}")
        is_idle.set()
        if stopping.wait(pause):
            return
        is_idle.clear()
        pause = min(2 * pause, _LONGEST_PAUSE)


def _do(runner: Runner, offer: dict, blobs_url: str | None, stopping: threading.Event) -> None:
    try:
        runner.do(offer, blobs_url)
    except edge.Refused as refused:
        if refused.status != 409:
            raise
        log(f"the task stands otherwise: {refused}")
        stopping.wait(1)
    except checks.Malformed as error:
        log(f"not a task of this client's: {error}")
        stopping.wait(1)


def status(options: argparse.Namespace) -> None:
    """Prints who this is and what its own books say."""
    enrolled = _enrolled(options.state)
    say(f"{enrolled['clientId']} of {enrolled['owner']} at {enrolled['server']}, key {Key.read(options.state / 'key.pem').sha256}")
    books = Books(options.state / "books.sqlite")
    for name, entered, unbounded, spent, admitted in books.summary():
        say(f"{name}: {entered} tasks accepted, {admitted} updates admitted, rho = {spent:.6g} spent by own noise, {unbounded} tasks without own noise")
    books.close()


def _enrolled(state: Path) -> dict:
    try:
        return json.loads((state / "client.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SystemExit(f"{state} holds no enrolment: run 'enrol' first.") from error


def _once(option: str, pairs: list[tuple[str, str]]) -> dict[str, str]:
    if len(pairs) != len(dict(pairs)):
        raise SystemExit(f"{option} names a data set twice; expected each once.")
    return dict(pairs)


def _limit(value: float | None) -> str:
    return "without limit" if value is None else f"{value:g}"


def _above_0(text: str) -> float:
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text!r}; expected a finite number above 0")
    return value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number of at least 0")
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise argparse.ArgumentTypeError(f"{text!r}; expected NAME=VALUE")
    return name, value


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, default=Path("state"), help="folder of key, enrolment and books (default: ./state)")
    commands = parser.add_subparsers(dest="command", required=True)
    joins = commands.add_parser("enrol", help="enrol by a one-time token")
    joins.add_argument("--server", required=True, help="address of the edge")
    joins.add_argument("--token", required=True, help="the one-time token; - reads it from standard input")
    joins.add_argument("--data", required=True, action="append", type=_pair, metavar="NAME=PATH", help="a data set and its CSV file")
    joins.add_argument("--unit", action="append", type=_pair, metavar="NAME=COLUMN", help="a data set's column of privacy units, such as a patient's id")
    joins.add_argument("--ca-file", help="PEM file of the authority to trust instead of the system's")
    joins.add_argument("--blobs-host", help="host beside the server's own that may hold models and updates")
    joins.set_defaults(do=enrol)
    works = commands.add_parser("run", help="train until stopped")
    works.add_argument("--max-rounds", type=_count, help="most tasks that are ever accepted of a data set")
    works.add_argument("--min-noise", type=_above_0, help="smallest noise multiplier z that this client must be asked to add itself")
    works.add_argument("--max-zcdp", type=_above_0, help="most rho that is ever spent on a data set, by the client's own reckoning")
    works.set_defaults(do=run)
    commands.add_parser("status", help="who this is, and what was released").set_defaults(do=status)
    options = parser.parse_args()
    # Books and enrolment are for their owner alone: an update without noise tells of the data.
    os.umask(0o077)
    try:
        options.do(options)
    except (edge.Refused, edge.Unreachable, DataError, OSError, ValueError) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
