"""How the gate tells pages and routes who visits: a header that it alone can write, and that it takes from others."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache, lru_cache

from itsdangerous import BadData, URLSafeSerializer
from starlette.types import Scope

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Visitor

HEADER = "x-bgen-visitor"


def with_visitor(scope: Scope, visitor: Visitor | None) -> Scope:
    """What the app is asked, with the visitor in place of what the browser may have said of it."""
    headers = [pair for pair in scope["headers"] if pair[0].lower() != HEADER.encode()]
    if visitor is not None:
        headers.append((HEADER.encode(), str(_signer().dumps(asdict(visitor))).encode()))
    return {**scope, "headers": headers}


def visitor_in(headers: Mapping[str, str]) -> Visitor | None:
    """Who the gate of this process says that visits; None where no gate stands before this."""
    return _read(headers.get(HEADER, ""))


@lru_cache(maxsize=1024)
def _read(written: str) -> Visitor | None:
    try:
        said = _signer().loads(written)
    except BadData:
        return None
    return Visitor(id=VisitorId(said["id"]), name=said["name"], role=said["role"])


@cache
def _signer() -> URLSafeSerializer:
    """Of this process alone: what it signed is never seen outside."""
    return URLSafeSerializer(secrets.token_bytes(32), salt="bgen visitor")
