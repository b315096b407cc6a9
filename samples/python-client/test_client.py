"""Tests of keys, files, data and books. All tests: python3 -m unittest discover samples/python-client"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import stat
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(Path(__file__).parent))

import checks
import client
import data
import privacy
import safetensors
import signing
import tasks
from books import Books, Limits, Made

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
PLAN = {"samplingProbability": 0.2, "steps": 5, "clipNorm": 0.5, "noiseMultiplier": 1.1, "declaredExamples": 40}
SPEC = {"dataSet": "patients", "columns": [{"name": name, "kind": "numeric"} for name in "abc"], "label": {"name": "ill", "classes": ["no", "yes"]}}
MODEL = {"name": "mlp", "hidden": [4], "inputShape": [3], "outputs": 2}


def example_task(**changes: object) -> dict:
    """A task as the edge gives it."""
    task = {
        "runId": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "roundId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "reservationId": "35891b47-89cf-8df8-b76e-b63ad52519e3",
        "round": 1,
        "clientId": "st-mary",
        "attempt": 1,
        "leaseNumber": 1,
        "seed": 7,
        "model": MODEL,
        "data": {"dataSet": "patients"},
        "training": {"loss": "crossEntropy", "optimizer": "sgd", "learningRate": 0.1, "momentum": 0.9, "batchSize": 4, "localEpochs": 2, "validationFraction": 0.25},
        "privacy": None,
    }
    return task | changes


class SigningTests(unittest.TestCase):
    def test_statements_are_spelled_as_in_the_vectors_and_their_signatures_hold(self) -> None:
        for case in VECTORS["statements"]:
            with self.subTest(case["name"]):
                update = case["update"]
                text = signing.statement(case["task"], update["sha256"], update["sizeBytes"], case["exampleCount"], case["nonce"], case["issuedAt"])
                self.assertEqual(case["statement"], text)
                self.assertTrue(signing.is_signed(text, VECTORS["publicKey"], case["signature"]))
        altered = VECTORS["altered"]
        self.assertFalse(signing.is_signed(altered["statement"], VECTORS["publicKey"], altered["signature"]))
        enrolment = VECTORS["enrolment"]
        self.assertTrue(signing.is_signed(enrolment["text"], VECTORS["publicKey"], enrolment["signature"]))
        self.assertEqual(VECTORS["keySha256"], hashlib.sha256(base64.b64decode(VECTORS["publicKey"])).hexdigest())

    def test_doubles_are_written_as_their_bits(self) -> None:
        for case in VECTORS["doubles"]:
            self.assertEqual(case["hex"], signing._bits(case["value"]))

    def test_a_key_file_is_its_owners_alone_and_is_never_replaced(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "key.pem"
            made = signing.Key.read_or_make(path)
            self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
            self.assertEqual(made.sha256, signing.Key.read_or_make(path).sha256)
            self.assertEqual([path], list(Path(folder).iterdir()))

    def test_a_key_that_others_may_read_or_that_is_none_is_refused_with_what_was_expected(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "key.pem"
            signing.Key.read_or_make(path)
            for mode in (0o640, 0o604, 0o660):
                path.chmod(mode)
                with self.assertRaisesRegex(ValueError, f"mode {mode:o}.*expected 600"):
                    signing.Key.read(path)
            path.chmod(0o600)
            locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
            )
            for content in (locked, b"no key"):
                path.write_bytes(content)
                with self.assertRaisesRegex(ValueError, "key.pem.*expected a PEM file of an ECDSA P-256 key without a password"):
                    signing.Key.read(path)

    def test_an_update_and_a_token_are_signed_by_the_key(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            key = signing.Key.read_or_make(Path(folder) / "key.pem")
        task = VECTORS["statements"][0]["task"]
        signed = signing.signature(key, task, b"update", 500)
        text = signing.statement(task, hashlib.sha256(b"update").hexdigest(), 6, 500, signed["nonce"], signed["issuedAt"])
        self.assertTrue(signing.is_signed(text, key.public, signed["value"]))
        self.assertFalse(signing.is_signed(text, VECTORS["publicKey"], signed["value"]))
        head, claims, value = key.token("st-mary").split(".")
        padded = base64.b64encode(base64.urlsafe_b64decode(value + "==")).decode()
        self.assertTrue(signing.is_signed(f"{head}.{claims}", key.public, padded))
        self.assertEqual({"alg": "ES256", "kid": key.sha256}, json.loads(base64.urlsafe_b64decode(head + "==")))
        told = json.loads(base64.urlsafe_b64decode(claims + "=="))
        self.assertEqual(("st-mary", "st-mary", "flevents-edge"), (told["iss"], told["sub"], told["aud"]))
        self.assertLessEqual(told["exp"] - told["iat"], 300)


class SafetensorsTests(unittest.TestCase):
    layout: safetensors.Layout = [("0.weight", (2, 3)), ("0.bias", (2,))]

    def test_a_file_has_the_bytes_of_the_vectors_and_comes_back(self) -> None:
        vector = VECTORS["safetensors"]
        values = np.array(vector["values"], dtype=np.float32)
        layout = [(tensor["name"], tuple(tensor["shape"])) for tensor in vector["layout"]]
        file = safetensors.write(layout, values)
        self.assertEqual(base64.b64decode(vector["base64"]), file)
        self.assertEqual(vector["sha256"], safetensors.sha256(file))
        np.testing.assert_array_equal(values, safetensors.read(file, layout))
        # Tensors may stand in another order than the layout's.
        turned = safetensors.write([layout[1], layout[0]], np.concatenate([values[6:], values[:6]]))
        np.testing.assert_array_equal(values, safetensors.read(turned, layout))

    def test_a_file_that_is_cut_or_lies_is_refused(self) -> None:
        good = safetensors.write(self.layout, np.arange(8, dtype=np.float32))
        for length in range(len(good)):
            with self.assertRaises(safetensors.SafetensorsError):
                safetensors.read(good[:length], self.layout)
        lies = [
            (b'"data_offsets":[24,32]', b'"data_offsets":[20,28]'),
            (b'"data_offsets":[24,32]', b'"data_offsets":[24,99]'),
            (b'"data_offsets":[24,32]', b'"data_offsets":[32,24]'),
            (b'"shape":[2,3]', b'"shape":[3,2]'),
            (b'"shape":[2,3]', b'"shape":[2,9]'),
            (b'"shape":[2,3]', b'"shape":[-2,3]'),
            (b'"shape":[2,3]', b'"shape":[2.0,3]'),
            (b"F32", b"F64"),
            (b"0.bias", b"0.beta"),
            (b"0.bias", b"0.weight"),
            (b'{"0', b'["0'),
        ]
        for old, new in lies:
            with self.subTest(new), self.assertRaises(safetensors.SafetensorsError):
                safetensors.read(_with_header(good, old, new), self.layout)
        for header in (b'{"a":' + b"9" * 5000 + b"}", b"[" * 100_000, b"\xff\xff"):
            with self.assertRaises(safetensors.SafetensorsError):
                safetensors.read(len(header).to_bytes(8, "little") + header, self.layout)
        # As many bytes as there are, divided otherwise: shares that the shapes do not have, and an overlap beside a gap.
        shifted = _with_header(_with_header(good, b"[0,24]", b"[0,20]"), b"[24,32]", b"[20,32]")
        three: safetensors.Layout = [("a", (1,)), ("b", (1,)), ("c", (1,))]
        overlapping = _with_header(safetensors.write(three, np.arange(3)), b"[4,8]", b"[0,4]")
        for file, layout in [(shifted, self.layout), (overlapping, three)]:
            with self.assertRaises(safetensors.SafetensorsError):
                safetensors.read(file, layout)
        with self.assertRaises(safetensors.SafetensorsError):
            safetensors.read((2**63).to_bytes(8, "little") + good[8:], self.layout)
        with self.assertRaises(safetensors.SafetensorsError):
            safetensors.read(good + b"\0\0\0\0", self.layout)


def _with_header(file: bytes, old: bytes, new: bytes) -> bytes:
    length = int.from_bytes(file[:8], "little")
    header = file[8 : 8 + length].replace(old, new, 1)
    assert header != file[8 : 8 + length]
    return len(header).to_bytes(8, "little") + header + file[8 + length :]


class DataTests(unittest.TestCase):
    spec = {
        "columns": [
            {"name": "age", "kind": "numeric", "mean": 50, "scale": 10, "missing": 50},
            {"name": "sex", "kind": "categorical", "categories": ["f", "m"], "other": True},
            {"name": "city", "kind": "categorical", "categories": ["Oslo", "NA"]},
        ],
        "label": {"name": "ill", "classes": ["no", "yes"]},
    }

    def read(self, text: str, **changes: object) -> data.Examples:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            path.write_text(text, encoding="utf-8", newline="")
            return data.read(path, self.spec | changes)

    def test_numbers_are_scaled_categories_have_slots_and_missing_values_have_theirs(self) -> None:
        read = self.read('\ufeff age ,sex,city,ill\r\n\r\n 60 ,m,"Oslo",yes\r\n  \r\nNA,,NA,no\r\n.5e1,f,NA,no\r\n')
        expected = [[1, 0, 1, 0, 1, 0], [0, 0, 0, 1, 0, 1], [-4.5, 1, 0, 0, 0, 1]]
        np.testing.assert_array_equal(np.array(expected, dtype=np.float32), read.inputs)
        np.testing.assert_array_equal([1, 0, 0], read.labels)
        self.assertEqual([[0], [1], [2]], [list(rows) for rows in read.units])

    def test_a_numeric_label_is_scaled(self) -> None:
        read = self.read("age,sex,city,ill\n60,m,Oslo,5\n", label={"name": "ill", "mean": 1, "scale": 2})
        self.assertEqual((np.float32, [2.0]), (read.labels.dtype, list(read.labels)))

    def test_rows_of_one_unit_stay_together_in_the_order_in_which_units_appear(self) -> None:
        text = "age,sex,city,ill,who\n1,m,Oslo,no,b\n2,m,Oslo,no,a\n3,m,Oslo,yes,b\n"
        read = self.read(text, privacyUnitColumn="who")
        self.assertEqual([[0, 2], [1]], [list(rows) for rows in read.units])
        self.assertEqual([[0, 1]], [list(rows) for rows in read.of_units([0]).units])
        np.testing.assert_array_equal([0, 1], read.of_units([0]).labels)
        with self.assertRaises(data.DataError):
            self.read(text.replace(",a\n", ",\n"), privacyUnitColumn="who")

    def test_what_does_not_fit_is_refused(self) -> None:
        for row in ["60,m,Bergen,yes", "60,m,Oslo,perhaps", "x,m,Oslo,yes", "1_0,m,Oslo,yes", "Infinity,m,Oslo,yes", "1e999,m,Oslo,yes", "1e300,m,Oslo,yes",
                    "60,m,Oslo", "60,m,Oslo,yes,more", '"6"0,m,Oslo,yes', '"60,m,Oslo,yes']:
            with self.subTest(row), self.assertRaises(data.DataError):
                self.read(f"age,sex,city,ill\n{row}\n")
        for row, message in [
            ("60,m,Bergen,yes", "table.csv, line 2, column city: 'Bergen' is none of the declared categories; expected 'Oslo', 'NA'."),
            ("60,m,Oslo,perhaps", "table.csv, line 2, column ill: 'perhaps' is none of the declared classes; expected 'no', 'yes'."),
            ("sixty,m,Oslo,yes", "table.csv, line 2, column age: 'sixty'; expected a finite number."),
            ("60,m,Oslo", "table.csv, line 2: 3 fields; expected 4, as in the header."),
            (f"60,m,{'x' * 1000},yes", f"'{'x' * 80}…' is none of"),
        ]:
            with self.subTest(row), self.assertRaises(data.DataError) as refused:
                self.read(f"age,sex,city,ill\n{row}\n")
            self.assertIn(message, str(refused.exception))
        with self.assertRaisesRegex(data.DataError, "no column 'ill'; expected one of 'age', 'sex', 'city', as in the header"):
            self.read("age,sex,city\n60,m,Oslo\n")
        with self.assertRaisesRegex(data.DataError, "the column 'age' twice"):
            self.read("age,sex,city,ill,age\n60,m,Oslo,yes,1\n")
        for header in ["age,sex,city", "age,sex,city,ill,age", ""]:
            with self.subTest(header), self.assertRaises(data.DataError):
                self.read(f"{header}\n60,m,Oslo,yes\n" if header else "")


class BooksTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "books.sqlite"

    def open(self) -> Books:
        books = Books(self.path)
        self.addCleanup(books.close)
        return books

    def test_the_owners_limits_hold_and_a_task_counts_once(self) -> None:
        books, limits = self.open(), Limits(rounds=2, noise=1.0, zcdp=5.0)
        first, second, third = (example_task(reservationId=f"35891b47-89cf-8df8-b76e-b63ad52519e{at}") for at in range(3))
        self.assertIsNone(books.enter(first, 1.1, 2.0, limits))
        self.assertIsNone(books.enter(first, 1.1, 2.0, limits))
        self.assertIn("other terms", books.enter(first, 1.0, 2.0, limits))
        self.assertIn("noise", books.enter(second, 0.9, 2.0, limits))
        self.assertIn("noise", books.enter(second, None, math.inf, limits))
        self.assertIn("spent", books.enter(second, 1.1, 3.1, limits))
        self.assertIsNone(books.enter(second, 1.1, 3.0, limits))
        self.assertIn("2 rounds", books.enter(third, 1.1, 0.0, limits))

    def test_a_made_update_is_the_same_after_a_crash_and_is_made_once(self) -> None:
        task, made = example_task(), Made(b"bytes", {"value": "x"}, {"exampleCount": None})
        books = self.open()
        books.enter(task, None, math.inf, Limits())
        books.keep(task["reservationId"], made)
        again = self.open()
        self.assertEqual(made, again.made(task["reservationId"]))
        self.assertEqual([(task["reservationId"], task["roundId"])], again.open())
        with self.assertRaises(RuntimeError):
            again.keep(task["reservationId"], Made(b"other", {}, {}))
        again.settle(task["reservationId"], "admitted", None)
        self.assertIsNone(again.made(task["reservationId"]))
        self.assertTrue(again.is_settled(task["reservationId"]))
        self.assertEqual([("patients", 1, 1, 0, 1)], again.summary())


    def test_each_entry_is_on_the_disk_before_anything_goes_on(self) -> None:
        # FULL: what sqlite has for every commit to survive a power cut.
        self.assertEqual((2,), self.open()._database.execute("pragma synchronous").fetchone())

    def test_what_is_let_go_of_an_update_is_overwritten_and_a_refusal_takes_no_release_back(self) -> None:
        task, secret = example_task(), b"a hundred secret bytes" * 50
        books = self.open()
        books.enter(task, 1.0, 0.5, Limits())
        books.keep(task["reservationId"], Made(secret, {}, {}))
        books.decline(task["reservationId"], "", counts=False)
        self.assertEqual(secret, books.made(task["reservationId"]).content)
        books.settle(task["reservationId"], "admitted", None)
        books.decline(task["reservationId"], "", counts=False)
        self.assertEqual([("patients", 1, 0, 0.5, 1)], books.summary())
        books.close()
        self.assertNotIn(secret[:50], self.path.read_bytes())


class CommandTests(unittest.TestCase):
    def test_limits_are_numbers_that_limit(self) -> None:
        for option, value in [("--min-noise", "nan"), ("--max-zcdp", "nan"), ("--max-zcdp", "inf"), ("--min-noise", "0"), ("--max-rounds", "-1"), ("--max-rounds", "1.5")]:
            with self.subTest(option, value=value), mock.patch("sys.argv", ["client.py", "run", f"{option}={value}"]), mock.patch("sys.stderr"), self.assertRaises(SystemExit) as ended:
                client.main()
            self.assertEqual(2, ended.exception.code)

    def test_after_a_start_the_first_question_does_not_wait(self) -> None:
        stopping, waits = threading.Event(), []

        def tasks_of(wait: int) -> dict:
            waits.append(wait)
            if len(waits) == 3:
                stopping.set()
            return {"tasks": []}

        runner = mock.Mock(awaits_answers=False)
        client._poll(mock.Mock(tasks=tasks_of), runner, stopping, threading.Event())
        self.assertEqual([0, 20, 20], waits)

    def test_enrolling_leaves_files_for_their_owner_alone_and_takes_each_data_set_once(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            table, state = Path(folder) / "table.csv", Path(folder) / "state"
            table.write_text("a,b\n1,2\n3,4\n")
            state.mkdir(mode=0o755)
            told: list[dict] = []

            def answer(_: str, authority: str | None, body: dict) -> dict:
                told.append(body)
                self.assertEqual(str(Path("ca.pem").resolve()), authority)
                key = hashlib.sha256(base64.b64decode(body["publicKey"])).hexdigest()
                return {"clientId": "st-mary", "owner": "trust", "keySha256": key, "state": "waiting"}

            arguments = ["client.py", "--state", str(state), "enrol", "--server", "https://x/", "--token", "fli_1", "--ca-file", "ca.pem", "--data", f"patients={table}"]
            before = os.umask(0o022)
            try:
                with mock.patch("edge.enrol", answer), mock.patch("builtins.print"):
                    with mock.patch("sys.argv", arguments):
                        client.main()
                    with mock.patch("sys.argv", [*arguments, "--data", "patients=other.csv"]), self.assertRaisesRegex(SystemExit, "twice"):
                        client.main()
                    with mock.patch("sys.argv", [*arguments, "--data", f"others={table}"]), self.assertRaisesRegex(SystemExit, "one file two names"):
                        client.main()
                Books(state / "books.sqlite").close()
            finally:
                os.umask(before)
            self.assertEqual([[{"dataSet": "patients", "exampleCount": 2, "privacyUnitColumn": None}]], [body["dataSets"] for body in told])
            self.assertEqual({"key.pem", "client.json", "books.sqlite"}, {path.name for path in state.iterdir()})
            self.assertEqual({0o600}, {stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()})


class TaskTests(unittest.TestCase):
    def test_durations_are_read_as_they_are_written(self) -> None:
        for text, seconds in [("00:01:00", 60), ("1.02:03:04.5000000", 93784.5), ("00:00:00.1000000", 0.1)]:
            self.assertAlmostEqual(seconds, checks.seconds_of(text))
        with self.assertRaises(ValueError):
            checks.seconds_of("60")

    def test_an_update_claims_examples_only_where_the_mode_lets_it(self) -> None:
        for terms, count in [
            (None, 15),
            ({"dpSgd": PLAN, "clipNorm": None, "noiseMultiplier": None}, 40),
            ({"dpSgd": PLAN, "clipNorm": 1, "noiseMultiplier": None}, None),
            ({"dpSgd": None, "clipNorm": 1, "noiseMultiplier": 2}, None),
        ]:
            self.assertEqual(count, tasks.count_of(example_task(privacy=terms), 15))

    def test_what_a_task_spends_is_reckoned_by_the_client(self) -> None:
        self.assertEqual(math.inf, privacy.zcdp(None))
        self.assertEqual(math.inf, privacy.zcdp({"dpSgd": None, "clipNorm": 1, "noiseMultiplier": None}))
        self.assertEqual(0.5, privacy.zcdp({"dpSgd": None, "clipNorm": 1, "noiseMultiplier": 2}))
        self.assertAlmostEqual(5 / (2 * 1.21), privacy.zcdp({"dpSgd": PLAN, "clipNorm": None, "noiseMultiplier": None}))


if __name__ == "__main__":
    unittest.main()
