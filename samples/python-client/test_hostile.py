"""Tests of what a server can't do to a client that trusts it with nothing but the client's own noised updates."""

from __future__ import annotations

import contextlib
import http.server
import json
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import checks
import client
import edge
import signing
from test_client import example_task
from test_edge import EdgeCase

Handle = Callable[[http.server.BaseHTTPRequestHandler], None]


class HostileTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.key = signing.Key.read_or_make(Path(folder.name) / "key.pem")
        self.asked: list[str] = []

    def site(self, handle: Handle) -> str:
        """A server that does the same whatever it is asked."""
        asked = self.asked

        class Server(http.server.BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if self.raw_requestline and self.parse_request():
                    asked.append(f"{self.command} {self.path}")
                    self.rfile.read(int(self.headers["Content-Length"] or 0))
                    with contextlib.suppress(OSError):
                        handle(self)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        return f"http://127.0.0.1:{server.server_port}/"

    def services(self, handle: Handle, stopping: threading.Event | None = None) -> edge.Edge:
        return edge.Edge(self.site(handle), self.key, "st-mary", stopping=stopping)

    def test_an_answer_that_is_no_list_of_tasks_is_no_answer(self) -> None:
        for body in [b"[" * 100_000, b'{"tasks": ' + b'{"a":' * 100_000, b'{"tasks": [NaN]}', b'{"tasks": [' + b"9" * 5000 + b"]}", b'"tasks"', b"{}", b'{"tasks": 1}', b"\xff\xfe",
                     b'{"tasks": [], "blobsUrl": 1}']:
            with self.subTest(body[:20]), self.assertRaises(edge.Unreachable):
                self.services(lambda request: _answer(request, 200, body)).tasks(0)

    def test_where_a_task_stands_is_a_word_and_a_refusal_is_short(self) -> None:
        for body in [b"{}", b'{"state": 1}', b'{"state": "admitted", "detail": {}}', b'{"state": "' + b"a" * 1000 + b'"}']:
            with self.subTest(body[:20]), self.assertRaises(edge.Unreachable):
                self.services(lambda request: _answer(request, 200, body)).state("x")
        for body in [b'{"detail": "' + b"a" * 1_000_000 + b'"}', b"[" * 100_000, b"a" * 1_000_000, b'{"detail": 1}', b"\xff" * 1000]:
            with self.subTest(body[:20]), self.assertRaises(edge.Refused) as refused:
                self.services(lambda request: _answer(request, 403, body)).state("x")
            self.assertLessEqual(len(refused.exception.detail), 300)

    def test_an_answer_without_an_end_is_cut(self) -> None:
        with self.assertRaises(edge.Refused) as refused:
            self.services(lambda request: _answer(request, 200, b" " * (5 << 20))).tasks(0)
        self.assertIn("more than", refused.exception.detail)

    def test_a_server_that_sends_a_byte_now_and_then_does_not_hold_the_client(self) -> None:
        def dribble(request: http.server.BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Length", "614")
            request.end_headers()
            for byte in b" " * 600 + b'{"tasks": [] }':
                request.wfile.write(bytes([byte]))
                request.wfile.flush()
                time.sleep(0.05)

        with mock.patch.multiple(edge, _TIMEOUT_SECONDS=1.0, _SLOWEST_BYTES_PER_SECOND=1 << 40), self.assertRaises(edge.Unreachable):
            self.services(dribble).tasks(0)

    def test_a_redirect_is_not_followed(self) -> None:
        elsewhere: list[str] = []
        other = self.site(lambda request: elsewhere.append(request.headers["Authorization"]))
        self.asked.clear()
        for status in (301, 302, 307, 308):
            with self.assertRaises(edge.Refused) as refused:
                self.services(lambda request: _answer(request, status, b"", Location=other)).tasks(0)
            self.assertEqual(status, refused.exception.status)
        self.assertEqual((["GET /edge/tasks?wait=0"] * 4, []), (self.asked, elsewhere))

    def test_a_store_that_never_has_enough_is_not_sent_to_for_ever(self) -> None:
        task = example_task(leaseToken="1.a")
        for status, headers in [(416, {"Received-Bytes": "2"}), (202, {"Received-Bytes": "0"}), (503, {"Retry-After": "0"}), (503, {"Retry-After": "9" * 1000})]:
            with self.subTest(status), self.assertRaises(edge.Unreachable):
                self.asked.clear()
                self.services(lambda request: _answer(request, status if request.command == "PUT" else 200, b"", **headers)).blobs(None).send(task, b"update", {}, within(1))
            self.assertLess(len(self.asked), 20)
        for told in ["-1", "7", "0x1", "1" * 5000, "٣"]:
            with self.subTest(told), self.assertRaises((edge.Refused, edge.Unreachable)):
                self.services(lambda request: _answer(request, 202, b"", **{"Received-Bytes": told})).blobs(None).send(task, b"update", {}, within(60))

    def test_a_client_that_is_asked_to_stop_does_not_wait_for_a_store(self) -> None:
        stopping = threading.Event()

        def stop(request: http.server.BaseHTTPRequestHandler) -> None:
            stopping.set()
            _answer(request, 503, b"", **{"Retry-After": "10"})

        with self.assertRaisesRegex(edge.Unreachable, "stops"):
            self.services(stop, stopping).blobs(None).send(example_task(leaseToken="1.a"), b"update", {}, within(3600))

    def test_what_a_server_says_makes_one_line_of_what_can_be_printed(self) -> None:
        with mock.patch("builtins.print") as printed:
            client.say("refused: \x1b[2J\n2026-01-01T00:00:00Z admitted" + "a" * 5000)
        line = printed.call_args.args[0]
        self.assertTrue(line.isprintable())
        self.assertLessEqual(len(line), 1000)

    def test_an_enrolment_is_answered_as_it_should_be(self) -> None:
        good = {"clientId": "st-mary", "owner": "trust", "keySha256": "0" * 64, "state": "waiting"}
        self.assertEqual(good, edge.enrol(self.site(lambda request: _answer(request, 202, json.dumps(good).encode())), None, {}))
        for changes in [{"clientId": "a|b"}, {"clientId": "../x"}, {"owner": 1}, {"keySha256": "0"}, {"state": None}]:
            with self.subTest(changes), self.assertRaises(edge.Unreachable):
                edge.enrol(self.site(lambda request: _answer(request, 202, json.dumps(good | changes).encode())), None, {})


class HostileModelTests(EdgeCase):
    def test_nothing_is_sent_once_the_lease_is_lost(self) -> None:
        self.task["lease"] = "00:00:01"
        # Neither a renewal nor a piece is taken, and the deadline is far away.
        self.state["answers"] = {"renew": 503, "PUT": 503}
        with self.assertRaises(edge.Unreachable):
            self.runner().do(self.offer(), None)
        self.assertNotIn("submit", self.told())

    def test_a_download_that_breaks_off_is_tried_again(self) -> None:
        self.state["cuts"] = 1
        self.runner().do(self.offer(), None)
        self.assertEqual(["accept", "submit"], self.told())

    def test_a_task_that_is_another_once_it_is_accepted_is_not_trained(self) -> None:
        offer = self.offer()
        for changes in [{"training": self.task["training"] | {"learningRate": 9}}, {"leaseToken": "1.a\r\nX: y"}, {"leaseToken": None}, {"clientId": "st-anna"}]:
            with self.subTest(changes), self.assertRaises(checks.Malformed):
                self.state["task"] = self.task | changes
                self.runner().do(offer, None)
        self.assertNotIn("submit", self.told())


def within(seconds: float) -> edge.Until:
    """Attempts may be made for so long from now."""
    end = time.monotonic() + seconds
    return lambda: end


def _answer(request: http.server.BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value.encode().decode("latin-1"))
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


if __name__ == "__main__":
    unittest.main()
