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

import checks
import edge
import safetensors
import signing
import tasks
import training
from books import Books, Limits
from test_client import PLAN, SPEC, example_task

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
            if self.state["cuts"]:
                self.state["cuts"] -= 1
                self.close_connection = True
                return self.answer(200, self.state["model"][:-10], {"Content-Length": str(len(self.state["model"]))})
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
        self.state["ranges"].append(self.headers["Content-Range"])
        if "PUT" in self.state["answers"]:
            return self.answer(self.state["answers"]["PUT"], b"")
        if self.state["breaks"]:
            # What came of a broken request stays.
            self.state["breaks"] -= 1
            self.state["received"] += piece[: len(piece) // 2]
            self.close_connection = True
            return
        begin, end, total = (int(part) for part in self.headers["Content-Range"].removeprefix("bytes ").replace("/", "-").split("-"))
        # Of what came twice the later counts, as in the product.
        assert begin <= len(self.state["received"]) and end - begin + 1 == len(piece)
        self.state["received"] = self.state["received"][:begin] + piece
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
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class EdgeCase(unittest.TestCase):
    """A client with data beside a small edge with one task."""

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
        self.state = {"task": self.task, "model": base, "received": b"", "told": [], "answers": {}, "ranges": [], "breaks": 0, "cuts": 0, "ends": "admitted", "public": self.key.public}
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Stub", (StubEdge,), {"state": self.state}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        self.stopping = threading.Event()
        self.url = f"http://127.0.0.1:{server.server_port}/"
        self.lines: list[str] = []

    def offer(self, state: str = "dispatched", **changes: object) -> dict:
        """The task as it is offered: without its token until it is accepted."""
        return {"state": state, "task": self.task | changes | ({"leaseToken": ""} if state == "dispatched" else {})}

    def runner(self, limits: Limits = Limits(), examples: int = 30) -> tasks.Runner:
        """A client as after a start, over the books that there are."""
        self.books = Books(self.folder / "books.sqlite")
        self.addCleanup(self.books.close)
        sets = {"patients": tasks.DataSet(self.folder / "patients.csv", examples, None)}
        services = edge.Edge(self.url, self.key, "st-mary", stopping=self.stopping)
        return tasks.Runner(services, self.key, "st-mary", self.books, sets, limits, self.lines.append, self.stopping)

    def told(self) -> list[str]:
        return [what for what, _ in self.state["told"]]


class RunnerTests(EdgeCase):
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
        for privacy, count in [(NOISED, 40), ({"dpSgd": None, "clipNorm": 1, "noiseMultiplier": 1.5}, None), ({"dpSgd": None, "clipNorm": 1, "noiseMultiplier": None}, None)]:
            with self.subTest(privacy):
                self.state.update(told=[], received=b"")
                (self.folder / "books.sqlite").unlink(missing_ok=True)
                self.task["privacy"] = privacy
                self.runner().do(self.offer(), None)
                submitted = self.state["told"][1][1]
                self.assertEqual((count, None, None), (submitted["exampleCount"], submitted["trainingLoss"], submitted["trainingSeconds"]))

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
        size = len(self.state["received"])
        self.assertEqual([f"bytes {first}-{size - 1}/{size}" for first in (0, size // 2)], self.state["ranges"])

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
            ({"data": SPEC | columns}, 30, "BAD_TASK"),
            ({"data": SPEC | {"label": {"name": "ill", "classes": ["no", "unknown"]}}}, 30, "BAD_DATA"),
            ({}, 29, "BAD_DATA"),
            ({"privacy": {"dpSgd": PLAN | {"samplingProbability": 1.5}, "clipNorm": None, "noiseMultiplier": None}}, 30, "BAD_TASK"),
        ]:
            with self.subTest(reason):
                self.state["told"].clear()
                (self.folder / "books.sqlite").unlink(missing_ok=True)
                self.runner(examples=examples).do(self.offer(**changes), None)
                self.assertEqual([("refuse", reason)], [(what, body["reasonCode"]) for what, body in self.state["told"]])
                self.assertNotIn(str(self.folder), self.state["told"][0][1]["detail"])

    def test_a_refusal_that_tells_of_the_data_counts_and_the_same_one_again_tells_no_more(self) -> None:
        asks = [{"data": SPEC | {"label": {"name": "ill", "classes": ["no", name]}}} for name in ("a", "a", "b", "c")]
        runner = self.runner(Limits(rounds=2))
        for at, ask in enumerate(asks):
            runner.do(self.offer(reservationId=f"35891b47-89cf-8df8-b76e-b63ad52519e{at}", **ask), None)
        self.assertEqual(["BAD_DATA", "BAD_DATA", "BAD_DATA", "OWNER_POLICY"], [body["reasonCode"] for _, body in self.state["told"]])

    def test_a_refusal_that_tells_of_the_data_counts_also_when_its_answer_is_lost(self) -> None:
        offer = self.offer(data=SPEC | {"label": {"name": "ill", "classes": ["no", "a"]}})
        runner = self.runner()
        self.state["answers"]["refuse"] = 503
        with self.assertRaises(edge.Unreachable):
            runner.do(offer, None)
        self.state["answers"].clear()
        runner.do(offer, None)
        self.assertEqual([("patients", 1, 1, 0, 0)], self.books.summary())

    def test_whether_a_label_has_more_classes_than_the_model_is_not_answered_from_the_data(self) -> None:
        self.runner().do(self.offer(data=SPEC | {"label": {"name": "ill", "classes": ["no", "yes", "never seen"]}}), None)
        self.assertEqual(["BAD_TASK"], [body["reasonCode"] for _, body in self.state["told"]])
        self.assertEqual([], self.books.summary())

    def test_an_update_that_was_made_counts_whatever_is_offered_afterwards(self) -> None:
        runner = self.runner(Limits(rounds=1))
        runner.do(self.offer(), None)
        for changes, url in [({}, "https://elsewhere.example/"), ({"seed": -1}, None)]:
            runner.do(self.offer(**changes), url)
        self.assertEqual([("patients", 1, 1, 0, 0)], self.books.summary())
        self.assertTrue(runner.awaits_answers)

    def test_models_and_updates_are_nowhere_that_the_owner_does_not_expect(self) -> None:
        for url in ("https://elsewhere.example/", "http://localhost:1/", "http://10.0.0.1/", "https://127.0.0.1:x/", f"{self.url}?to="):
            with self.subTest(url):
                self.state["told"].clear()
                (self.folder / "books.sqlite").unlink(missing_ok=True)
                self.runner().do(self.offer(), url)
                self.assertEqual([("refuse", "OWNER_POLICY")], [(what, body["reasonCode"]) for what, body in self.state["told"]])
        with self.assertRaises(ValueError):
            edge.Edge("https://127.0.0.1:1/", self.key, "st-mary").blobs("http://127.0.0.1:1/")
        edge.Edge(self.url, self.key, "st-mary", blobs_host="elsewhere.example").blobs("https://elsewhere.example/blobs")

    def test_what_is_in_no_range_of_the_protocol_is_refused_before_anything_is_entered(self) -> None:
        for changes in [
            {"seed": -1},
            {"training": self.task["training"] | {"optimizer": "adamw"}},
            {"training": self.task["training"] | {"proximal": 0.1}},
            {"privacy": NOISED | {"noiseMultiplier": 1}},
            {"privacy": {"dpSgd": PLAN | {"noiseMultiplier": 1e-200}, "clipNorm": None, "noiseMultiplier": None}},
            {"lease": "00:00:00.0000001"},
            {"deadlineAt": "2026-01-01T00:00:00"},
        ]:
            with self.subTest(changes):
                self.state["told"].clear()
                self.runner().do(self.offer(**changes), None)
                self.assertEqual([("refuse", "BAD_TASK")], [(what, body["reasonCode"]) for what, body in self.state["told"]])
                self.assertEqual([], self.books.summary())
        for changes in [{"roundId": "../../enrolment"}, {"reservationId": "35891b47-89cf-8df8-b76e-b63ad52519e3/../x"}, {"leaseNumber": "1"}, {"round": 2**70}]:
            with self.subTest(changes), self.assertRaises(checks.Malformed):
                self.runner().do(self.offer(**changes), None)

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
        for host, authority, why in [
            ("127.0.0.1", None, "of this machine's authorities"),
            ("127.0.0.1", str(other), f"of {other}"),
            ("localhost", str(trusted), "localhost is not believed: Hostname mismatch"),
        ]:
            with self.assertRaisesRegex(edge.Unreachable, why):
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
