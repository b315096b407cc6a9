"""Tests of the client against a small edge of its own on loopback, which checks every token and signature as docs/enrolment.md says."""

from __future__ import annotations

import base64
import datetime
import hashlib
import http.server
import ipaddress
import json
import ssl
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

sys.path.insert(0, str(Path(__file__).parent))

import edge
import safetensors
import signing
import tasks
import training
from books import Books, Limits
from test_client import PLAN, example_task

SPEC = {"dataSet": "patients", "columns": [{"name": name, "kind": "numeric"} for name in "abc"], "label": {"name": "ill", "classes": ["no", "yes"]}}
NOISED = {"dpSgd": PLAN, "clipNorm": None, "noiseMultiplier": None}


class StubEdge(http.server.BaseHTTPRequestHandler):
    """One task, its blobs, and what was told about it."""

    protocol_version = "HTTP/1.1"
    state: dict

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        if self.path.startswith("/models/"):
            assert self.headers["Reservation-Id"] and self.headers["Lease-Token"] == self.state["task"]["leaseToken"]
            return self.answer(200, self.state["model"])
        self.check_token()
        return self.answer(200, json.dumps({"state": self.state["ends"], "detail": None, "leaseNumber": 1}).encode())

    def do_HEAD(self) -> None:
        kept = self.state["received"]
        self.answer(200 if kept else 404, b"", {"Received-Bytes": str(len(kept))} if kept else {})

    def do_POST(self) -> None:
        self.check_token()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["leaseNumber"] == self.state["task"]["leaseNumber"]
        what = self.path.rsplit("/", 1)[1]
        self.state["told"].append((what, body))
        task = json.dumps({"state": "accepted", "task": self.state["task"]}).encode() if what in ("accept", "renew") else b""
        self.answer(self.state["answers"].get(what, 200), task)

    def do_PUT(self) -> None:
        piece = self.rfile.read(int(self.headers["Content-Length"]))
        if self.state["breaks"]:
            # What came of a broken request stays.
            self.state["breaks"] -= 1
            self.state["received"] += piece[: len(piece) // 2]
            self.close_connection = True
            return
        begin, end, total = (int(part) for part in self.headers["Content-Range"].removeprefix("bytes ").replace("/", "-").split("-"))
        assert begin == len(self.state["received"]) and end - begin + 1 == len(piece)
        self.state["received"] += piece
        whole = self.state["received"]
        assert len(whole) == total and hashlib.sha256(whole).hexdigest() == self.headers["Update-Sha256"]
        signed = json.loads(base64.b64decode(self.headers["Update-Signature"]))
        text = signing.statement(self.state["task"], self.headers["Update-Sha256"], total, signed["exampleCount"], signed["nonce"], signed["issuedAt"])
        assert signing.is_signed(text, signed["publicKey"], signed["value"])
        self.answer(201, b"")

    def check_token(self) -> None:
        text, _, value = self.headers["Authorization"].removeprefix("Bearer ").rpartition(".")
        padded = base64.b64encode(base64.urlsafe_b64decode(value + "==")).decode()
        assert signing.is_signed(text, self.state["public"], padded)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class RunnerTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        rows = np.random.default_rng(1).normal(size=(30, 3))
        text = "".join(f"{a},{b},{c},{'yes' if a > 0 else 'no'}\n" for a, b, c in rows)
        (self.folder / "patients.csv").write_text("a,b,c,ill\n" + text, encoding="utf-8")
        self.key = signing.Key.read_or_make(self.folder / "key.pem")
        self.model = training.Model(example_task()["model"])
        base = safetensors.write(self.model.layout, np.ones(self.model.parameters))
        deadline = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
        self.task = example_task(
            data=SPEC,
            leaseToken="1.0123456789abcdef0123456789abcdef",
            lease="00:01:00",
            deadlineAt=deadline.isoformat().replace("+00:00", "0+00:00"),
            baseModel={"sha256": hashlib.sha256(base).hexdigest(), "sizeBytes": len(base)},
        )
        self.state = {"task": self.task, "model": base, "received": b"", "told": [], "answers": {}, "breaks": 0, "ends": "admitted", "public": self.key.public}
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Stub", (StubEdge,), {"state": self.state}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        self.url = f"http://127.0.0.1:{server.server_port}/"
        self.lines: list[str] = []

    def offer(self, state: str = "dispatched", **changes: object) -> dict:
        """The task as it is offered: without its token until it is accepted."""
        return {"state": state, "task": self.task | changes | ({"leaseToken": ""} if state == "dispatched" else {})}

    def runner(self, limits: Limits = Limits(), examples: int = 30) -> tasks.Runner:
        """A client as after a start, over the books that there are."""
        books = Books(self.folder / "books.sqlite")
        self.addCleanup(books.close)
        sets = {"patients": tasks.DataSet(self.folder / "patients.csv", examples, None)}
        services = edge.Edge(self.url, self.key, "st-mary", None)
        return tasks.Runner(services, self.key, "st-mary", books, sets, limits, self.lines.append, threading.Event())

    def told(self) -> list[str]:
        return [what for what, _ in self.state["told"]]

    def test_a_task_is_accepted_trained_uploaded_and_announced(self) -> None:
        runner = self.runner()
        runner.do(self.offer(), None)
        self.assertEqual(["accept", "submit"], self.told())
        submitted = self.state["told"][1][1]
        self.assertEqual({"sha256": hashlib.sha256(self.state["received"]).hexdigest(), "sizeBytes": len(self.state["received"])}, submitted["update"])
        self.assertEqual((23, 23), (submitted["exampleCount"], submitted["signature"]["exampleCount"]))
        self.assertIsNotNone(submitted["trainingLoss"])
        self.assertTrue(np.any(safetensors.read(self.state["received"], self.model.layout)))
        self.assertTrue(runner.awaits_answers)
        runner.settle()
        self.assertTrue(self.lines[-1].endswith(": admitted"))
        self.assertFalse(runner.awaits_answers)
        # Offered again, by a server that has forgotten: nothing leaves a second time.
        runner.do(self.offer(), None)
        self.assertEqual(["accept", "submit"], self.told())

    def test_a_private_task_tells_neither_loss_nor_time(self) -> None:
        self.task["privacy"] = NOISED
        self.runner(Limits(noise=1.0)).do(self.offer(), None)
        submitted = self.state["told"][1][1]
        self.assertEqual((40, None, None), (submitted["exampleCount"], submitted["trainingLoss"], submitted["trainingSeconds"]))

    def test_after_a_crash_the_same_bytes_go_out_with_the_same_signature(self) -> None:
        self.task["privacy"] = NOISED
        self.state["answers"]["submit"] = 409
        with self.assertRaises(edge.Refused):
            # The books know no more than that the update was made.
            self.runner().do(self.offer(), None)
        first, signed = self.state["received"], self.state["told"][-1][1]["signature"]
        self.state["received"], self.state["answers"] = b"", {}
        self.runner().do(self.offer("accepted"), None)
        self.assertEqual(["accept", "submit", "renew", "submit"], self.told())
        self.assertEqual(first, self.state["received"])
        self.assertEqual(signed, self.state["told"][-1][1]["signature"])

    def test_a_broken_upload_goes_on_where_it_broke(self) -> None:
        self.state["breaks"] = 1
        self.runner().do(self.offer(), None)
        self.assertEqual(["accept", "submit"], self.told())

    def test_what_the_owner_does_not_allow_is_refused_before_it_is_accepted(self) -> None:
        self.runner(Limits(noise=0.5)).do(self.offer(), None)
        self.assertEqual([("refuse", "OWNER_POLICY")], [(what, body["reasonCode"]) for what, body in self.state["told"]])
        self.assertEqual(b"", self.state["received"])

    def test_a_task_that_can_not_be_done_is_refused_with_its_reason_and_quotes_no_data(self) -> None:
        columns = {"columns": [{"name": "zip", "kind": "numeric"}]}
        for changes, examples, reason in [
            ({"data": SPEC | {"dataSet": "others"}}, 30, "UNKNOWN_DATA_SET"),
            ({"data": SPEC | {"privacyUnitColumn": "a"}}, 30, "OTHER_PRIVACY_UNIT"),
            ({"model": {"name": "cnn", "inputShape": [1, 8, 8], "outputs": 2}}, 30, "UNSUPPORTED_MODEL"),
            ({"data": SPEC | columns}, 30, "BAD_DATA"),
            ({}, 29, "BAD_DATA"),
            ({"privacy": {"dpSgd": PLAN | {"samplingProbability": 1.5}, "clipNorm": None, "noiseMultiplier": None}}, 30, "OWNER_POLICY"),
        ]:
            with self.subTest(reason):
                self.state["told"].clear()
                (self.folder / "books.sqlite").unlink(missing_ok=True)
                self.runner(examples=examples).do(self.offer(**changes), None)
                self.assertEqual([("refuse", reason)], [(what, body["reasonCode"]) for what, body in self.state["told"]])
                self.assertNotIn(str(self.folder), self.state["told"][0][1]["detail"])

    def test_an_accepted_task_that_the_books_do_not_have_is_never_trained(self) -> None:
        self.runner().do(self.offer("accepted"), None)
        self.assertEqual(["interrupt"], self.told())

    def test_a_task_of_another_client_and_a_model_of_another_hash_are_not_trained(self) -> None:
        with self.assertRaises(ValueError):
            self.runner().do(self.offer(clientId="st-anna"), None)
        self.state["model"] = self.state["model"][:-1] + b"x"
        self.runner().do(self.offer(), None)
        self.assertEqual(["accept", "interrupt"], self.told())

    def test_only_this_machine_is_spoken_to_without_tls(self) -> None:
        for url in ("http://flevents.example/", "ftp://127.0.0.1/", "https://name:word@flevents.example/"):
            with self.assertRaises(ValueError):
                edge.Site(url)


class TlsTests(unittest.TestCase):
    def test_a_server_is_spoken_to_only_when_its_certificate_is_trusted_and_names_it(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        trusted, other = (_certificate(Path(folder.name) / name, "127.0.0.1") for name in ("trusted.pem", "other.pem"))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Stub", (StubEdge,), {"state": {"received": b""}}))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(trusted)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        self.assertEqual(404, edge.Site(f"https://127.0.0.1:{server.server_port}", str(trusted)).request("HEAD", "/updates/x").status)
        for host, authority in [("127.0.0.1", None), ("127.0.0.1", str(other)), ("localhost", str(trusted))]:
            with self.assertRaisesRegex(edge.Unreachable, "CERTIFICATE_VERIFY_FAILED"):
                edge.Site(f"https://{host}:{server.server_port}", authority).request("HEAD", "/updates/x")


def _certificate(path: Path, address: str) -> Path:
    """Writes a certificate that signs itself, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.stem)])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return path


if __name__ == "__main__":
    unittest.main()
