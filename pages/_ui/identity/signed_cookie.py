"""What browsers keep for the server, signed so that nobody else can have written it."""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from bgen_core.server_secret import server_secret


@dataclass(frozen=True, kw_only=True)
class SignedCookie:
    """A cookie for one purpose: what was signed for another, by another server or too long ago is no content.

    Attributes
    ----------
    name
        As browsers know it.
    purpose
        What else its content is bound to, such as the mode and the password: another purpose, another signature.
    seconds
        How long it holds.
    """

    name: str
    purpose: str
    seconds: int

    def signed(self, content: dict[str, Any], home: Path) -> str:
        return str(self._serializer(home).dumps(content))

    def read(self, text: str | None, home: Path) -> tuple[dict[str, Any], float] | None:
        """The content, and the Unix time at which it ends; None where this is not what this server signed for this."""
        try:
            content, until = signed_lately(self._serializer(home), text or "", self.seconds)
        except BadData:
            return None
        return (cast("dict[str, Any]", content), until) if isinstance(content, dict) else None

    def set_on(self, response: Response, connection: HTTPConnection, content: dict[str, Any], home: Path) -> None:
        """Let the browser keep it, out of reach of scripts and of requests that other sites make."""
        secure = connection.url.scheme == "https"
        response.set_cookie(
            self.name,
            self.signed(content, home),
            max_age=self.seconds,
            httponly=True,
            samesite="lax",
            secure=secure,
        )

    def _serializer(self, home: Path) -> URLSafeTimedSerializer:
        key = hashlib.sha256(server_secret(home) + self.purpose.encode()).digest()
        signer = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeTimedSerializer(key, salt=f"bgen {self.name}", signer_kwargs=signer)


def signed_lately(serializer: URLSafeTimedSerializer, text: str, seconds: float) -> tuple[Any, float]:
    """What was signed, and the Unix time at which it ends.

    Another server of the same secret may have signed it whose clock is ahead: itsdangerous 2.2 itself would refuse that
    as too old.

    Raises
    ------
    itsdangerous.BadData
        It was not signed so, or ended.
    """
    signed: tuple[Any, datetime] = serializer.loads(text, return_timestamp=True)
    until = signed[1].timestamp() + seconds
    if until < time.time():
        raise SignatureExpired("signed too long ago")
    return signed[0], until
