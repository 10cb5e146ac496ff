"""Who may visit the pages, and as what: what a deployment's settings say about it, checked before anybody comes."""

import unicodedata
from collections.abc import Iterable
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

from bgen_core.errors import UserInputError
from bgen_core.records.visitor import Role
from bgen_core.settings import Settings, entries_of

Mode = Literal["none", "password", "header", "oidc"]

UNIX_SOCKET = "unix"
"""A trusted proxy that connects through a socket of the file system."""

NEEDS_AUTHLIB = (
    "BGEN_AUTH=oidc needs the package authlib, which is not installed: install the version in requirements-oidc.txt."
)


def mode_of(settings: Settings) -> Mode:
    """How visitors are known: by nothing, a shared password, a proxy's header, or an OpenID provider."""
    if settings.auth != "auto":
        return settings.auth
    return "none" if settings.password is None else "password"


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other, before a server starts that is more open than was meant.

    Raises
    ------
    UserInputError
        One sentence that names the settings and says what is missing.
    """
    mode, password, admin = mode_of(settings), settings.password, settings.admin_password
    if mode == "password" and password is None:
        raise UserInputError("BGEN_AUTH=password needs BGEN_PASSWORD, which visitors are asked for.")
    if mode != "password" and (password or admin):
        unused = "BGEN_PASSWORD" if password else "BGEN_ADMIN_PASSWORD"
        needed = " without BGEN_PASSWORD" if admin and settings.auth == "auto" else ""
        raise UserInputError(
            f"{unused} is set, but nobody is asked for it{needed or f' with BGEN_AUTH={mode}'}: "
            "leave it out, or set BGEN_AUTH=password and BGEN_PASSWORD."
        )
    if password and admin and as_compared(password.get_secret_value()) == as_compared(admin.get_secret_value()):
        raise UserInputError("BGEN_ADMIN_PASSWORD is the same as BGEN_PASSWORD: everybody would be an admin.")
    if mode == "header" and not entries_of(settings.trusted_proxies):
        raise UserInputError(
            "BGEN_AUTH=header needs BGEN_TRUSTED_PROXIES, the addresses whose header is believed, such as 127.0.0.1."
        )
    if mode == "oidc":
        _check_oidc(settings)
    if mode in ("none", "password") and (entries_of(settings.admins) or entries_of(settings.viewers)):
        named = "BGEN_ADMINS" if entries_of(settings.admins) else "BGEN_VIEWERS"
        raise UserInputError(f"{named} needs BGEN_AUTH=header or oidc: with {mode} nobody's name is known for sure.")
    both = {_folded(name) for name in entries_of(settings.admins)} & {
        _folded(name) for name in entries_of(settings.viewers)
    }
    if both:
        raise UserInputError(f"BGEN_ADMINS and BGEN_VIEWERS both name {min(both)}: leave it in one of them.")


def _check_oidc(settings: Settings) -> None:
    given = {
        "BGEN_OIDC_ISSUER": settings.oidc_issuer,
        "BGEN_OIDC_CLIENT_ID": settings.oidc_client_id,
        "BGEN_OIDC_CLIENT_SECRET": settings.oidc_client_secret,
    }
    if missing := [name for name, value in given.items() if not value]:
        raise UserInputError(f"BGEN_AUTH=oidc needs {', '.join(missing)}.")
    issuer = urlsplit(settings.oidc_issuer)
    if issuer.scheme == "http" and not is_loopback(issuer.hostname):
        raise UserInputError(
            f"BGEN_OIDC_ISSUER={settings.oidc_issuer} is not allowed: whoever is between could let anybody in; "
            "give an address with https."
        )
    if find_spec("authlib") is None:
        raise UserInputError(NEEDS_AUTHLIB)


def role_of(names: Iterable[str], settings: Settings) -> Role:
    """What somebody may do who is known by these names; capitals do not count, since most directories ignore them."""
    known = {_folded(name) for name in names}
    if known & {_folded(name) for name in entries_of(settings.admins)}:
        return "admin"
    if known & {_folded(name) for name in entries_of(settings.viewers)}:
        return "viewer"
    return settings.default_role


def is_trusted_proxy(address: str | None, settings: Settings) -> bool:
    """Whether the header of what connects from there is believed; `UNIX_SOCKET` stands for a socket's other end."""
    entries = entries_of(settings.trusted_proxies)
    if address == UNIX_SOCKET:
        return UNIX_SOCKET in entries
    try:
        found = _unmapped(address or "")
    except ValueError:
        return False
    return any(found in ip_network(entry) for entry in entries if entry != UNIX_SOCKET)


def is_loopback(address: str | None) -> bool:
    """Whether only this machine reaches an address; false where it is not known."""
    if address == "localhost":
        return True
    try:
        return _unmapped(address or "").is_loopback
    except ValueError:
        return False


def one_name(name: str) -> str:
    """A name under which the same person always comes, however it is written: for ids."""
    return _folded(name)


def as_compared(password: str) -> bytes:
    """A password's bytes: "ä" is the same letter whether a keyboard sends it as one sign or as two (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password).encode()


def described(settings: Settings) -> str:
    """What visitors meet, for `doctor`.

    Raises
    ------
    UserInputError
        The server would not start.
    """
    check(settings)
    admins, viewers = entries_of(settings.admins), entries_of(settings.viewers)
    lists = f"{len(admins)} admins and {len(viewers)} viewers named, everybody else {settings.default_role}"
    match mode_of(settings):
        case "none":
            return "none: this machine alone is answered, and whoever is there is an admin"
        case "password":
            admin = "with a password of their own for admins" if settings.admin_password else "without admins"
            return f"password: visitors give it and a name, {admin}"
        case "header":
            return f"header: {settings.auth_header} of {settings.trusted_proxies}; {lists}"
        case "oidc":
            return f"oidc: visitors log in at {settings.oidc_issuer}; {lists}"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _unmapped(address: str) -> IPv4Address | IPv6Address:
    # Python 3.11 does not take ::ffff:127.0.0.1 for a loopback address.
    found = ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
