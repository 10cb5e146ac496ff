"""The server's secret, which signs what browsers keep and makes ids of names; it stays in the home folder."""

import hashlib
import hmac
import os
import secrets
import uuid
from functools import lru_cache
from pathlib import Path
from threading import Lock

from bgen_core.errors import StoreError
from bgen_core.ids import VisitorId
from bgen_core.private_files import make_private_folder

SECRET_NAME = "login-secret"

_SECRET_BYTES = 32
_making_secret = Lock()


def server_secret(home: Path) -> bytes:
    """The secret of a home folder, made where there is none.

    Raises
    ------
    StoreError
        It cannot be kept.
    """
    with _making_secret:
        return _kept_secret(home)


def keyed_id(home: Path, *known_by: str) -> VisitorId:
    """Who is known by these words, under a name that tells nobody which they are and is safe in any path."""
    message = "\0".join(known_by).encode()
    return VisitorId(hmac.new(server_secret(home), message, hashlib.sha256).hexdigest()[:12])


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
