"""What the HTTPS edge must refuse, tried with the sample client's own parts. EdgeClientTests starts it: edge_impostor.py SAMPLE STATE URL forge|finish.

Each line that it writes is an attempt and what came of it, as JSON. forge takes a task and tries what it may not; finish then does that task as its client may.
"""

import base64
import hashlib
import json
import secrets
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, sys.argv[1])

import numpy as np

import edge
import privacy
import safetensors
import signing
import tasks
import training

STATE, URL, PART = Path(sys.argv[2]), sys.argv[3], sys.argv[4]
CLIENT = json.loads((STATE / "client.json").read_text())["clientId"]
KEY = signing.Key.read(STATE / "key.pem")
with tempfile.TemporaryDirectory() as folder:
    OTHER = signing.Key.read_or_make(Path(folder) / "key.pem")


def tell(attempt: str, ask) -> None:
    """Writes what an attempt came to."""
    try:
        answer = ask()
        status, detail = (answer.status, answer.detail()) if isinstance(answer, edge.Answer) else (200, "")
    except edge.Refused as refused:
        status, detail = refused.status, refused.detail
    print(json.dumps({"attempt": attempt, "status": status, "detail": detail}), flush=True)


def offered(services: edge.Edge, state: str) -> dict:
    """Waits for a task that stands so."""
    while True:
        for offer in services.tasks(20)["tasks"]:
            if offer["state"] == state:
                return offer["task"]


def request(method: str, path: str, headers: dict[str, str], content: bytes | None = None) -> edge.Answer:
    """Asks a store once the round's book is open; it says 503 until then."""
    while True:
        answer = edge.Site(URL).request(method, path, headers, content)
        if answer.status != 503:
            return answer
        time.sleep(0.1)


def put(task: dict, content: bytes, signature: dict | None) -> edge.Answer:
    """Uploads an update."""
    headers = {
        "Lease-Token": task["leaseToken"],
        "Update-Sha256": safetensors.sha256(content),
        "Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}",
    }
    if signature is not None:
        headers["Update-Signature"] = base64.b64encode(json.dumps(signature).encode()).decode()
    return request("PUT", f"/updates/{task['reservationId']}", headers, content)


def update_of(task: dict) -> bytes:
    """An update that is all right but for its content: noise alone."""
    layout = training.Model(task["model"]).layout
    return safetensors.write(layout, privacy.protect(np.zeros(safetensors.parameter_count(layout)), task["privacy"]))


def body_of(content: bytes, count: int | None, signature: dict) -> dict:
    return {"update": {"sha256": hashlib.sha256(content).hexdigest(), "sizeBytes": len(content)}, "exampleCount": count, "signature": signature}


def forge() -> None:
    services = edge.Edge(URL, KEY, CLIENT)
    tell("another key", lambda: edge.Edge(URL, OTHER, CLIENT).tasks(0))
    tell("another client's id", lambda: edge.Edge(URL, KEY, "client-000000").tasks(0))
    task = offered(services, "dispatched")
    tell("a lease that is not", lambda: services.tell(task | {"leaseNumber": 2}, "accept"))
    tell("another's round", lambda: services.tell(task | {"roundId": "00000000-0000-0000-0000-000000000001"}, "accept"))
    task = services.tell(task, "accept")["task"]
    content, count = update_of(task), tasks.count_of(task, 0)
    good = signing.signature(KEY, task, content, count)
    tell("a model of another task", lambda: request("GET", f"/models/{'0' * 64}", {"Reservation-Id": task["reservationId"], "Lease-Token": task["leaseToken"]}))
    tell("a lease token that is not", lambda: put(task | {"leaseToken": "1." + secrets.token_hex(16)}, content, good))
    tell("no signature", lambda: put(task, content, None))
    tell("signed by another key", lambda: put(task, content, signing.signature(OTHER, task, content, count)))
    tell("signed for an old round", lambda: put(task, content, signing.signature(KEY, task | {"round": task["round"] - 1}, content, count)))
    tell("signed for another client", lambda: put(task, content, signing.signature(KEY, task | {"clientId": "client-000000"}, content, count)))
    tell("signed for other noise", lambda: put(task, content, signing.signature(KEY, task | {"privacy": None}, content, count)))
    tell("signed for other bytes", lambda: put(task, content, signing.signature(KEY, task, content + b"x", count)))
    # The Orchestrator passes an announcement on, and the Aggregator's book decides.
    tell("announced by another key", lambda: services.tell(task, "submit", **body_of(content, count, signing.signature(OTHER, task, content, count))))
    tell("where it stands", lambda: print(json.dumps({"attempt": "state", "status": 200, "detail": services.state(task["roundId"])["state"]})))


def finish() -> None:
    services = edge.Edge(URL, KEY, CLIENT)
    task = offered(services, "accepted")
    content, count = update_of(task), tasks.count_of(task, 0)
    signed = signing.signature(KEY, task, content, count)
    tell("its own update", lambda: put(task, content, signed))
    tell("its own announcement", lambda: services.tell(task, "submit", **body_of(content, count, signed)))
    while services.state(task["roundId"])["state"] == "accepted":
        time.sleep(0.1)
    tell("a round that is over", lambda: services.tell(task, "submit", **body_of(content, count, signed)))


{"forge": forge, "finish": finish}[PART]()
