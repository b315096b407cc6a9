"""The HTTPS edge: requests, retries, and the blobs. docs/enrolment.md is its description."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

import checks
from signing import Key

Until = Callable[[], float]
"""Tells the time on the monotonic clock after which no further attempt is made, in seconds: it moves as a lease is renewed."""

_TIMEOUT_SECONDS = 60.0
_SLOWEST_BYTES_PER_SECOND = 1 << 16
_LARGEST_ANSWER = 4 << 20
_PIECE_BYTES = 8 << 20
_LONGEST_DETAIL = 300
_SHORTEST_PAUSE = 0.2
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
            value = checks.read_json(self.body or b"{}")
        except checks.Malformed as error:
            raise Unreachable(f"{self.status}: {error}") from error
        if not isinstance(value, dict):
            raise Unreachable(f"{self.status}: The answer is JSON that is no object.")
        return value

    def detail(self) -> str:
        """What a refusal says, shortened."""
        text = self.body[:_LONGEST_DETAIL].decode("utf-8", "replace")
        try:
            value = checks.read_json(self.body)
        except checks.Malformed:
            return text
        told = value.get("detail") if isinstance(value, dict) else None
        return told[:_LONGEST_DETAIL] if isinstance(told, str) and told else text


class Site:
    """One web address. Redirects are not followed: a token must not go where a redirect says."""

    def __init__(self, url: str, ca_file: str | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment or not parts.path.isascii():
            raise ValueError(f"{url!r} is no address of a server; expected https://host/.")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError(f"{url!r} is not encrypted; expected https:// (http:// is for this machine alone).")
        self.host, self._port, self._path = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), parts.path.rstrip("/")
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._authority = ca_file or "this machine's authorities"

    @property
    def is_encrypted(self) -> bool:
        """Whether it is spoken to by TLS."""
        return self._tls is not None

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None, largest: int = _LARGEST_ANSWER) -> Answer:
        """One request on a connection of its own, which is cut when it takes too long as a whole: a server can't hold the client by a byte a minute.

        :param largest: most bytes taken in of the answer.
        :raises Unreachable: no whole answer came.
        """
        try:
            raw = socket.create_connection((self.host, self._port), _TIMEOUT_SECONDS)
        except OSError as error:
            raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error
        seconds = _TIMEOUT_SECONDS + (largest + len(body or b"")) / _SLOWEST_BYTES_PER_SECOND
        with raw.dup() as line:
            watch = threading.Timer(seconds, _cut, (line,))
            watch.daemon = True
            watch.start()
            try:
                return self._exchange(raw, method, path, headers or {}, body, largest)
            except ssl.SSLCertVerificationError as error:
                raise Unreachable(f"{self.host} is not believed: {error.verify_message}; expected a certificate for it of {self._authority}.") from error
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error
            finally:
                watch.cancel()
                raw.close()

    def _exchange(self, raw: socket.socket, method: str, path: str, headers: dict[str, str], body: bytes | None, largest: int) -> Answer:
        connection = http.client.HTTPConnection(self.host, self._port)
        try:
            connection.sock = raw if self._tls is None else self._tls.wrap_socket(raw, server_hostname=self.host)
            connection.request(method, self._path + path, body=body, headers=headers)
            with connection.getresponse() as response:
                content = response.read(largest + 1)
                if len(content) > largest:
                    raise Refused(response.status, f"{method} {path}: an answer of more than {largest} bytes.")
                if response.length:
                    raise http.client.IncompleteRead(content, response.length)
                return Answer(response.status, response.headers, content)
        finally:
            connection.close()


class Edge:
    """What a client asks of the services."""

    def __init__(
        self, url: str, key: Key, client_id: str, ca_file: str | None = None, blobs_host: str | None = None, stopping: threading.Event | None = None
    ) -> None:
        """
        :param blobs_host: the host beside the edge's own that models come from and updates go to.
        :param stopping: ends every wait between attempts.
        """
        self._site = Site(url, ca_file)
        self._key, self._client_id, self._ca_file = key, client_id, ca_file
        self._blob_hosts, self._stopping = {self._site.host, blobs_host and blobs_host.lower()}, stopping or threading.Event()

    def tasks(self, wait: int) -> dict:
        """The open tasks. Waits so many seconds for one that is not accepted yet."""
        return _checked(self._ask("GET", f"/edge/tasks?wait={wait}").json(), checks.check_answers)

    def state(self, round_id: str) -> dict | None:
        """Where a task stands; None when the server knows nothing of it any more."""
        try:
            return _checked(self._ask("GET", f"/edge/tasks/{round_id}").json(), checks.check_status)
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
        """Where models and updates are.

        :raises ValueError: the server says a place that the owner has not: it could send this client's requests into the owner's own network.
        """
        site = self._site if url is None else Site(url, self._ca_file)
        if site.host not in self._blob_hosts or self._site.is_encrypted and not site.is_encrypted:
            raise ValueError(f"Models and updates are at {url!r}; the owner expects {' or '.join(sorted(filter(None, self._blob_hosts)))}.")
        return Blobs(site, self._stopping)

    def _ask(self, method: str, path: str, body: dict | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._key.token(self._client_id)}", "Content-Type": "application/json"}
        return _good(self._site.request(method, path, headers, None if body is None else json.dumps(body, allow_nan=False).encode()))


class Blobs:
    """The model and update stores. A task's lease token opens them, and the token of the client does not go there."""

    def __init__(self, site: Site, stopping: threading.Event) -> None:
        self._site, self._stopping = site, stopping

    def model(self, task: dict, until: Until) -> bytes:
        """The model that a task begins from, checked against its hash."""
        blob = task["baseModel"]
        headers = {"Reservation-Id": task["reservationId"], "Lease-Token": task["leaseToken"]}
        data = self._patiently(lambda: self._site.request("GET", f"/models/{blob['sha256']}", headers, largest=blob["sizeBytes"]), until).body
        if hashlib.sha256(data).hexdigest() != blob["sha256"]:
            raise Refused(0, f"What came as model {blob['sha256']} has another hash.")
        return data

    def send(self, task: dict, update: bytes, signature: dict, until: Until) -> None:
        """Uploads an update, from where the store already has it.

        :raises Refused: 409 when another update of the task came before.
        """
        path, total = f"/updates/{task['reservationId']}", len(update)
        sha256 = hashlib.sha256(update).hexdigest()
        token = {"Lease-Token": task["leaseToken"]}
        received, last = 0, -1
        while received < total:
            if received <= last:
                # No byte more than before: it is given time.
                self._pause(1, until, f"The store stays at {received} of {total} bytes.")
            piece, last = update[received : received + _PIECE_BYTES], received
            headers = token | {
                "Update-Sha256": sha256,
                "Update-Signature": base64.b64encode(json.dumps(signature).encode()).decode("ascii"),
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {received}-{received + len(piece) - 1}/{total}",
            }
            try:
                if self._patiently(lambda: self._site.request("PUT", path, headers, piece), until, once=True).status == 201:
                    return
            except Unreachable:
                # It may have taken some of it, or all.
                pass
            received = self._received(path, token, sha256, total, until)

    def _received(self, path: str, token: dict[str, str], sha256: str, total: int, until: Until) -> int:
        """Bytes of this update that the store has."""
        answer = self._patiently(lambda: self._site.request("HEAD", path, token), until, accepted=(404,))
        if answer.status == 404:
            return 0
        if answer.headers.get("Received-Sha256", sha256) != sha256:
            raise Refused(409, "The store holds another update of this task.")
        text = answer.headers.get("Received-Bytes", "0")
        if not text.isascii() or not text.isdecimal() or len(text) > 15 or int(text) > total:
            raise Refused(0, f"The store has {text[:20]!r} bytes of the update; expected at most {total}.")
        return int(text)

    def _patiently(self, ask: Callable[[], Answer], until: Until, accepted: tuple[int, ...] = (), once: bool = False) -> Answer:
        """Asks again, with growing pauses, until there is an answer that stands. 416 says where an upload goes on, so the caller looks again.

        :param once: whether no answer at all is told at once.
        """
        pause = _SHORTEST_PAUSE
        while True:
            answer, wanted = None, None
            try:
                answer = ask()
                wanted = answer.headers.get("Retry-After")
                return _good(answer, (*accepted, 416))
            except Unreachable as error:
                if once and answer is None:
                    raise
                told = str(error)
            self._pause(min(max(float(wanted), pause), _LONGEST_PAUSE) if wanted and wanted.isdecimal() else pause, until, told)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _pause(self, seconds: float, until: Until, why: str) -> None:
        if time.monotonic() + seconds >= until():
            raise Unreachable(why)
        if self._stopping.wait(seconds):
            raise Unreachable("The client stops.")


def enrol(url: str, ca_file: str | None, body: dict) -> dict:
    """``POST /edge/enrolment``; answers the client's id, its owner, the key's name and the state."""
    answer = Site(url, ca_file).request("POST", "/edge/enrolment", {"Content-Type": "application/json"}, json.dumps(body).encode())
    return _checked(_good(answer).json(), checks.check_enrolled)


def _good(answer: Answer, accepted: tuple[int, ...] = ()) -> Answer:
    if 200 <= answer.status < 300 or answer.status in accepted:
        return answer
    if answer.status >= 500 or answer.status in (408, 423, 429):
        raise Unreachable(f"{answer.status}: {answer.detail()}")
    raise Refused(answer.status, answer.detail())


def _checked(answer: dict, check: Callable[[dict], None]) -> dict:
    try:
        check(answer)
    except checks.Malformed as error:
        raise Unreachable(str(error)) from error
    return answer


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
