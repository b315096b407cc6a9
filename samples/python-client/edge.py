"""The HTTPS edge: requests, retries, and the blobs. docs/enrolment.md is its description."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ipaddress
import json
import ssl
import time
import urllib.parse
from dataclasses import dataclass

from signing import Key

_TIMEOUT_SECONDS = 60
_LARGEST_ANSWER = 16 << 20
_PIECE_BYTES = 8 << 20
_LARGEST_MODEL = 1 << 30
_LONGEST_PAUSE = 10.0


class Refused(Exception):
    """The server answered, and asking again will not help."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class Unreachable(Exception):
    """No answer, or one that says to try again."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> dict:
        """The body as an object; nothing where it is empty."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise Unreachable(f"The server answered {self.status} with what is not JSON.") from error
        if not isinstance(value, dict):
            raise Unreachable(f"The server answered {self.status} with JSON that is no object.")
        return value

    def detail(self) -> str:
        """What a refusal says."""
        try:
            return str(json.loads(self.body).get("detail") or self.body[:300].decode("utf-8", "replace"))
        except (ValueError, AttributeError):
            return self.body[:300].decode("utf-8", "replace")


class Site:
    """One web address. Redirects are not followed: a token must not go where a redirect says."""

    def __init__(self, url: str, ca_file: str | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
            raise ValueError(f"{url!r} is no address of a server; expected https://host/.")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError(f"{url!r} is not encrypted; expected https:// (http:// is for this machine alone).")
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None, largest: int = _LARGEST_ANSWER) -> Answer:
        """One request on a connection of its own.

        :param largest: most bytes taken in of the answer.
        :raises Unreachable: no whole answer came.
        """
        if self._tls is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS, context=self._tls)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, self._path + path, body=body, headers=headers or {})
            response = connection.getresponse()
            content = response.read(largest + 1)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if len(content) > largest:
            raise Refused(response.status, f"{method} {path}: an answer of more than {largest} bytes.")
        return Answer(response.status, response.headers, content)


class Edge:
    """What a client asks of the services."""

    def __init__(self, url: str, key: Key, client_id: str, ca_file: str | None = None) -> None:
        self._site = Site(url, ca_file)
        self._key, self._client_id, self._ca_file = key, client_id, ca_file

    def tasks(self, wait: int) -> dict:
        """The open tasks. Waits so many seconds for one that is not accepted yet."""
        return self._ask("GET", f"/edge/tasks?wait={wait}").json()

    def state(self, round_id: str) -> dict | None:
        """Where a task stands; None when the server knows nothing of it any more."""
        try:
            return self._ask("GET", f"/edge/tasks/{round_id}").json()
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def tell(self, task: dict, what: str, **fields: object) -> dict:
        """Posts ``accept``, ``renew``, ``refuse``, ``interrupt`` or ``submit`` for a task; the first two answer the task with its lease token.

        :raises Refused: with status 409 when it does not fit where the task stands.
        """
        answer = self._ask("POST", f"/edge/tasks/{task['roundId']}/{what}", {"leaseNumber": task["leaseNumber"], **fields})
        return answer.json() if what in ("accept", "renew") else {}

    def blobs(self, url: str | None) -> Blobs:
        """Where models and updates are."""
        return Blobs(self._site if url is None else Site(url, self._ca_file))

    def _ask(self, method: str, path: str, body: dict | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._key.token(self._client_id)}", "Content-Type": "application/json"}
        return _good(self._site.request(method, path, headers, None if body is None else json.dumps(body, allow_nan=False).encode()))


class Blobs:
    """The model and update stores. A task's lease token opens them, and the token of the client does not go there."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def model(self, task: dict, until: float) -> bytes:
        """The model that a task begins from, checked against its hash.

        :param until: the time on the monotonic clock after which no further attempt is made, in seconds.
        """
        blob = task["baseModel"]
        if not 0 < blob["sizeBytes"] <= _LARGEST_MODEL:
            raise Refused(0, f"A base model of {blob['sizeBytes']} bytes; expected at most {_LARGEST_MODEL}.")
        headers = {"Reservation-Id": task["reservationId"], "Lease-Token": task["leaseToken"]}
        data = _patiently(lambda: self._site.request("GET", f"/models/{blob['sha256']}", headers, largest=blob["sizeBytes"]), until).body
        if hashlib.sha256(data).hexdigest() != blob["sha256"]:
            raise Refused(0, f"What came as model {blob['sha256']} has another hash.")
        return data

    def send(self, task: dict, update: bytes, signature: dict, until: float) -> None:
        """Uploads an update, from where the store already has it.

        :raises Refused: 409 when another update of the task came before.
        """
        path, total = f"/updates/{task['reservationId']}", len(update)
        sha256 = hashlib.sha256(update).hexdigest()
        token = {"Lease-Token": task["leaseToken"]}
        received, first = 0, True
        while received < total or first:
            if not first:
                received = self._received(path, token, sha256, until)
            if received >= total:
                return
            piece, first = update[received : received + _PIECE_BYTES], False
            headers = token | {
                "Update-Sha256": sha256,
                "Update-Signature": base64.b64encode(json.dumps(signature).encode()).decode("ascii"),
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {received}-{received + len(piece) - 1}/{total}",
            }
            try:
                answer = _patiently(lambda: self._site.request("PUT", path, headers, piece), until, once=True)
            except Unreachable:
                # It may have taken some of it, or all.
                if time.monotonic() >= until:
                    raise
                time.sleep(1)
                continue
            if answer.status == 201:
                return

    def _received(self, path: str, token: dict[str, str], sha256: str, until: float) -> int:
        """Bytes of this update that the store has."""
        answer = _patiently(lambda: self._site.request("HEAD", path, token), until, accepted=(404,))
        if answer.status == 404:
            return 0
        if answer.headers.get("Received-Sha256", sha256) != sha256:
            raise Refused(409, "The store holds another update of this task.")
        return int(answer.headers.get("Received-Bytes", 0))


def enrol(url: str, ca_file: str | None, body: dict) -> dict:
    """``POST /edge/enrolment``; answers the client's id, its owner, the key's name and the state."""
    answer = Site(url, ca_file).request("POST", "/edge/enrolment", {"Content-Type": "application/json"}, json.dumps(body).encode())
    return _good(answer).json()


def _good(answer: Answer, accepted: tuple[int, ...] = ()) -> Answer:
    if 200 <= answer.status < 300 or answer.status in accepted:
        return answer
    if answer.status >= 500 or answer.status in (408, 423, 429):
        raise Unreachable(f"{answer.status}: {answer.detail()}")
    raise Refused(answer.status, answer.detail())


def _patiently(ask, until: float, accepted: tuple[int, ...] = (), once: bool = False) -> Answer:
    """Asks again, with growing pauses, until there is an answer that stands. 416 says where an upload goes on, so the caller looks again."""
    pause = 0.2
    while True:
        answer, wanted = None, None
        try:
            answer = ask()
            wanted = answer.headers.get("Retry-After")
            return _good(answer, (*accepted, 416))
        except Unreachable:
            if time.monotonic() + pause >= until or once and answer is None:
                raise
        time.sleep(min(float(wanted), _LONGEST_PAUSE) if wanted and wanted.isdecimal() else pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
