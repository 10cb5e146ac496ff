"""The shared password: whether a try is right, and the signed cookie of those who gave it."""

import hashlib
import hmac
import os
import secrets
import uuid
from functools import lru_cache
from pathlib import Path
from threading import Lock

from itsdangerous import BadSignature, TimestampSigner

from bgen_core.errors import StoreError
from bgen_core.private_files import make_private_folder
from bgen_core.settings import Settings

COOKIE = "bgen_login"
COOKIE_SECONDS = 30 * 24 * 3600
SECRET_NAME = "login-secret"

_SECRET_BYTES = 32
_making_secret = Lock()


def is_right(tried: str, settings: Settings) -> bool:
    """Whether this is the password; takes as long for any wrong one."""
    return settings.password is not None and hmac.compare_digest(
        tried.encode(), settings.password.get_secret_value().encode()
    )


def new_cookie(settings: Settings) -> str:
    """What a browser keeps after it gave the password: the time, signed with the server's secret and the password."""
    return _signer(settings).sign(b"in").decode()


def admits(cookie: str | None, settings: Settings) -> bool:
    """Whether whoever holds this cookie may see anything: always without a password, else with a valid one.

    A cookie ends after `COOKIE_SECONDS`, with another password, and with another secret.
    """
    if settings.password is None:
        return True
    try:
        return _signer(settings).unsign(cookie or "", max_age=COOKIE_SECONDS) == b"in"
    except BadSignature:
        return False


def prepare(settings: Settings) -> None:
    """Make the server's secret where a password needs it.

    Raises
    ------
    StoreError
        The secret cannot be kept.
    """
    if settings.password is not None:
        _secret(settings.home)


def _signer(settings: Settings) -> TimestampSigner:
    password = settings.password.get_secret_value() if settings.password else ""
    # The password is a part of the key: changing it puts everybody out.
    key = hashlib.sha256(_secret(settings.home) + password.encode()).digest()
    return TimestampSigner(key, salt="bgen login", key_derivation="hmac", digest_method=hashlib.sha256)


def _secret(home: Path) -> bytes:
    with _making_secret:
        return _kept_secret(home)


@lru_cache(maxsize=8)
def _kept_secret(home: Path) -> bytes:
    path = home / SECRET_NAME
    try:
        if path.exists() and len(kept := path.read_bytes()) == _SECRET_BYTES:
            return kept
        make_private_folder(home)
        made, incoming = secrets.token_bytes(_SECRET_BYTES), path.with_name(f"{SECRET_NAME}.{uuid.uuid4().hex}")
        with os.fdopen(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
        incoming.replace(path)
    except OSError as error:
        raise StoreError(
            f"The file {path} cannot be used ({error.strerror}): make room or give access there, "
            "or choose another folder with BGEN_HOME."
        ) from error
    return made
