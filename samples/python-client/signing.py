"""A client's key and what it signs: ECDSA P-256 over SHA-256, signatures as the 64 bytes r‖s."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import stat
import struct
import time
import uuid
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

_ALGORITHM = ec.ECDSA(hashes.SHA256())
_TOKEN_SECONDS = 120


class Key:
    """A private key and the name that the services know it by."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
            raise ValueError("The key is not one of ECDSA P-256.")
        self._private = private
        der = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.public = base64.b64encode(der).decode("ascii")
        self.sha256 = hashlib.sha256(der).hexdigest()

    @staticmethod
    def read(path: Path) -> Key:
        """Reads an unencrypted PEM file that nobody but its owner may read."""
        if (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            raise ValueError(f"{path} has the mode {mode:o}, so others may use the key; expected 600 (chmod 600), and a new key where others could.")
        try:
            return Key(serialization.load_pem_private_key(path.read_bytes(), password=None))
        except (TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise ValueError(f"{path}: {error}; expected a PEM file of an ECDSA P-256 key without a password.") from error

    @staticmethod
    def read_or_make(path: Path) -> Key:
        """Reads a PEM file, or makes one that only its owner may read. A file that is there is never replaced: it is the client's name."""
        if path.exists():
            return Key.read(path)
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_durably(path, pem, replaces=False)
        return Key(private)

    def sign(self, text: str) -> bytes:
        """Signs an ASCII text; 64 bytes, r and s as big-endian numbers of 32 bytes each."""
        r, s = decode_dss_signature(self._private.sign(text.encode("ascii"), _ALGORITHM))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def token(self, client_id: str) -> str:
        """A JWT for one request, good for two minutes."""
        now = int(time.time())
        header = {"alg": "ES256", "kid": self.sha256}
        claims = {"iss": client_id, "sub": client_id, "aud": "flevents-edge", "iat": now, "exp": now + _TOKEN_SECONDS}
        text = f"{_base64url(json.dumps(header).encode())}.{_base64url(json.dumps(claims).encode())}"
        return f"{text}.{_base64url(self.sign(text))}"


def write_durably(path: Path, content: bytes, replaces: bool = True) -> None:
    """Writes a file that only its owner may read; afterwards it is whole and survives a power cut.

    :param replaces: whether a file that is there is replaced; otherwise it is an error.
    """
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if replaces:
        part.replace(path)
    else:
        os.link(part, path)
        part.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def is_signed(text: str, public: str, value: str) -> bool:
    """Whether a signature in base64 was made over a text by the key with this public half (DER SubjectPublicKeyInfo in base64)."""
    signature = base64.b64decode(value, validate=True)
    key = serialization.load_der_public_key(base64.b64decode(public, validate=True))
    if len(signature) != 64 or not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key.verify(der, text.encode("ascii"), _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def enrolment_proof(key: Key, token: str) -> str:
    """Shows that who enrols has the private key, in base64."""
    return base64.b64encode(key.sign(f"enrol-v1|{token}|{key.public}")).decode("ascii")


def statement(task: dict, sha256: str, size: int, count: int | None, nonce: str, issued_at: int) -> str:
    """What is signed of an update: the task as it was given, the update's hash and length in bytes, the examples, a nonce, and the time.

    :param count: examples claimed, or None.
    :param nonce: 32 lower-case hexadecimal digits.
    :param issued_at: milliseconds since 1970, UTC.
    """
    privacy = task.get("privacy") or {}
    noised = privacy.get("dpSgd") or privacy
    fields = [
        "v1",
        str(uuid.UUID(task["runId"])),
        str(task["round"]),
        task["clientId"],
        str(uuid.UUID(task["reservationId"])),
        str(task["attempt"]),
        task["baseModel"]["sha256"],
        sha256,
        str(size),
        "" if count is None else str(count),
        _bits(noised.get("clipNorm")),
        _bits(noised.get("noiseMultiplier")),
        nonce,
        str(issued_at),
    ]
    return "|".join(fields)


def signature(key: Key, task: dict, update: bytes, count: int | None) -> dict:
    """The member ``signature`` of a submission. An update is signed once: what is sent again is this very signature."""
    nonce, issued_at = secrets.token_hex(16), int(time.time() * 1000)
    text = statement(task, hashlib.sha256(update).hexdigest(), len(update), count, nonce, issued_at)
    value = base64.b64encode(key.sign(text)).decode("ascii")
    return {"publicKey": key.public, "exampleCount": count, "nonce": nonce, "issuedAt": issued_at, "value": value}


def _bits(number: float | int | None) -> str:
    """The 16 hexadecimal digits of a double; decimal text would differ between languages."""
    return "" if number is None else struct.pack(">d", number).hex()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
