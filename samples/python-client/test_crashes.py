"""Tests that a client that is killed between any two steps sends the same bytes afterwards, or none, and that what was spent stays spent."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import edge
from books import Books, Limits
from test_edge import NOISED, EdgeCase


class Killed(BaseException):
    """The process ends here: nothing of the client's own catches it."""


class CrashTests(EdgeCase):
    def test_wherever_a_client_is_killed_its_update_is_made_once_and_counts_once(self) -> None:
        self.task["privacy"] = NOISED
        steps = self.steps_of_a_task()
        self.assertEqual(["enter", "POST", "GET", "keep", "PUT", "POST"], steps)
        for at in range(len(steps)):
            for is_done in (False, True):
                with self.subTest(steps[at], at=at, is_done=is_done):
                    self.start_anew()
                    with self.assertRaises(Killed), self.killed_at(at, is_done):
                        self.runner(Limits(rounds=1)).do(self.offer(self.state_at_server()), None)
                    sent = self.state["received"]
                    self.lines.clear()
                    runner = self.runner(Limits(rounds=1))
                    runner.do(self.offer(self.state_at_server()), None)
                    self.assertTrue(self.lines[-1].endswith("submitted"), self.lines)
                    self.assertTrue(self.state["received"].startswith(sent))
                    announced = {body["update"]["sha256"] for what, body in self.state["told"] if what == "submit"}
                    self.assertEqual({hashlib.sha256(self.state["received"]).hexdigest()}, announced)
                    self.assertEqual(1, self.books.summary()[0][1])

    def start_anew(self) -> None:
        self.state.update(received=b"", told=[])
        for path in self.folder.glob("books.sqlite*"):
            path.unlink()

    def state_at_server(self) -> str:
        return "accepted" if "accept" in self.told() else "dispatched"

    def steps_of_a_task(self) -> list[str]:
        """What a task does that outlives it, in order."""
        seen: list[str] = []
        with self.watched(lambda name, step: (seen.append(name), step())[1]):
            self.runner().do(self.offer(), None)
        return seen

    def killed_at(self, at: int, is_done: bool):
        """Ends the process at one of the steps, before it is taken or just after."""
        counted = iter(range(100))

        def take(_: str, step):
            if next(counted) != at:
                return step()
            if is_done:
                step()
            raise Killed

        return self.watched(take)

    def watched(self, take):
        request, enter, keep = edge.Site.request, Books.enter, Books.keep
        patches = contextlib.ExitStack()
        patches.enter_context(mock.patch.object(edge.Site, "request", lambda site, method, *rest, **named: take(method, lambda: request(site, method, *rest, **named))))
        patches.enter_context(mock.patch.object(Books, "enter", lambda *rest: take("enter", lambda: enter(*rest))))
        patches.enter_context(mock.patch.object(Books, "keep", lambda *rest: take("keep", lambda: keep(*rest))))
        return patches


if __name__ == "__main__":
    unittest.main()
