"""Addresses of read-only links: what stands in one is signed, so that nobody makes their own."""

import re
from pathlib import Path

from itsdangerous import BadData, URLSafeSerializer

from bgen_core.ids import LinkId
from bgen_core.records.link import Link
from bgen_core.server_secret import server_secret

LINKS = "s/"
_PATH = re.compile(rf"/{LINKS}[\w-]{{8,200}}\.[\w-]{{20,200}}(?:/[0-9a-f]{{64}}\.webp|/vote)?", re.ASCII)


def is_link(path: str) -> bool:
    """Whether a path is that of a link's page, picture or vote, and of nothing else."""
    return _PATH.fullmatch(path) is not None


def link_path(link: Link, home: Path) -> str:
    """The address of a link, within the app."""
    return f"{LINKS}{_signer(home).dumps(link.id)}"


def link_in(token: str, home: Path) -> LinkId | None:
    """The link that an address names; None where this server did not sign it."""
    try:
        name = _signer(home).loads(token)
    except BadData:
        return None
    return LinkId(name) if isinstance(name, str) else None


def _signer(home: Path) -> URLSafeSerializer:
    return URLSafeSerializer(server_secret(home), salt="bgen link")
