"""A federated learning client: enrols by a one-time token, trains on its own CSV file, and submits signed updates over HTTPS.

    client.py enrol --server https://flevents.example --token - --data readmission=patients.csv
    client.py run --max-rounds 50 --min-noise 1.0
    client.py status
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import edge
from books import Books, Limits
from data import DataError, count_units
from signing import Key, enrolment_proof
from tasks import DataSet, Runner

_WAIT_SECONDS = 20
_WAIT_FOR_ANSWER_SECONDS = 2
_LONGEST_PAUSE = 30.0


class _Stop(Exception):
    """A signal came while nothing was under way."""


def log(text: str) -> None:
    """One line to standard output; it never holds data, norms or losses."""
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}", flush=True)


def enrol(options: argparse.Namespace) -> None:
    """Makes a key where there is none, tells the server what data there is, and writes down what it answers. May be repeated with the same token."""
    options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Key.read_or_make(options.state / "key.pem")
    token = sys.stdin.readline().strip() if options.token == "-" else options.token
    units = dict(options.unit or [])
    sets = {
        name: {"path": str(Path(path).resolve()), "unitColumn": units.get(name), "examples": count_units(Path(path), units.get(name))}
        for name, path in options.data
    }
    if unknown := set(units) - set(sets):
        raise SystemExit(f"--unit names {', '.join(sorted(unknown))}, which no --data does.")
    declared = [{"dataSet": name, "exampleCount": kept["examples"], "privacyUnitColumn": kept["unitColumn"]} for name, kept in sets.items()]
    body = {"token": token, "publicKey": key.public, "dataSets": declared, "signature": enrolment_proof(key, token)}
    answer = edge.enrol(options.server, options.ca_file, body)
    if answer["keySha256"] != key.sha256:
        raise SystemExit(f"The server has enrolled key {answer['keySha256']}; expected {key.sha256}.")
    enrolled = {"server": options.server, "caFile": options.ca_file, "clientId": answer["clientId"], "owner": answer["owner"], "dataSets": sets}
    part = options.state / "client.json.part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(enrolled, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    part.replace(options.state / "client.json")
    print(f"{answer['clientId']} of {answer['owner']} is {answer['state']}. The operator approves this key, compared over another channel:\n{key.sha256}")


def run(options: argparse.Namespace) -> None:
    """Polls for tasks and does them, until SIGTERM or Ctrl+C."""
    enrolled = _enrolled(options.state)
    with open(options.state / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SystemExit(f"Another client works in {options.state}.") from error
        key = Key.read(options.state / "key.pem")
        services = edge.Edge(enrolled["server"], key, enrolled["clientId"], enrolled["caFile"])
        sets = {name: DataSet(Path(kept["path"]), kept["examples"], kept["unitColumn"]) for name, kept in enrolled["dataSets"].items()}
        limits = Limits(options.max_rounds, options.min_noise, options.max_zcdp)
        books, stopping, is_idle = Books(options.state / "books.sqlite"), threading.Event(), threading.Event()

        def stop(*_: object) -> None:
            stopping.set()
            if is_idle.is_set():
                raise _Stop

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        runner = Runner(services, key, enrolled["clientId"], books, sets, limits, log, stopping)
        log(f"{enrolled['clientId']} waits for tasks")
        try:
            _poll(services, runner, stopping, is_idle)
        except _Stop:
            pass
        finally:
            is_idle.clear()
            books.close()
        log("stopped")


def _poll(services: edge.Edge, runner: Runner, stopping: threading.Event, is_idle: threading.Event) -> None:
    pause = 1.0
    while not stopping.is_set():
        try:
            is_idle.set()
            offers = services.tasks(_WAIT_FOR_ANSWER_SECONDS if runner.awaits_answers else _WAIT_SECONDS)
            is_idle.clear()
            for offer in offers["tasks"]:
                _do(runner, offer, offers.get("blobsUrl"))
                if stopping.is_set():
                    return
            runner.settle()
            pause = 1.0
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


def _do(runner: Runner, offer: dict, blobs_url: str | None) -> None:
    try:
        runner.do(offer, blobs_url)
    except edge.Refused as refused:
        if refused.status != 409:
            raise
        log(f"the task stands otherwise: {refused}")
        time.sleep(1)
    except (KeyError, TypeError, ValueError) as error:
        log(f"a task that can't be read: {type(error).__name__}: {error}")
        time.sleep(1)


def status(options: argparse.Namespace) -> None:
    """Prints who this is and what its own books say."""
    enrolled = _enrolled(options.state)
    print(f"{enrolled['clientId']} of {enrolled['owner']} at {enrolled['server']}, key {Key.read(options.state / 'key.pem').sha256}")
    books = Books(options.state / "books.sqlite")
    for name, entered, unbounded, spent, admitted in books.summary():
        print(f"{name}: {entered} tasks accepted, {admitted} updates admitted, rho = {spent:.6g} spent by own noise, {unbounded} tasks without own noise")
    books.close()


def _enrolled(state: Path) -> dict:
    try:
        return json.loads((state / "client.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SystemExit(f"{state} holds no enrolment: run 'enrol' first.") from error


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
    joins.set_defaults(do=enrol)
    works = commands.add_parser("run", help="train until stopped")
    works.add_argument("--max-rounds", type=int, help="most tasks that are ever accepted of a data set")
    works.add_argument("--min-noise", type=float, help="smallest noise multiplier z that this client must be asked to add itself")
    works.add_argument("--max-zcdp", type=float, help="most rho that is ever spent on a data set, by the client's own reckoning")
    works.set_defaults(do=run)
    commands.add_parser("status", help="who this is, and what was released").set_defaults(do=status)
    options = parser.parse_args()
    try:
        options.do(options)
    except (edge.Refused, edge.Unreachable, DataError, OSError, ValueError) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
