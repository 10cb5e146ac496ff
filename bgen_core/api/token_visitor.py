"""From a token to who visits with it: never more than its scope, than its person now, or than its person once was."""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import get_args

from bgen_core.authentication import mode_of, role_of
from bgen_core.errors import UserInputError
from bgen_core.records.visitor import Role, Visitor
from bgen_core.server_secret import server_secret
from bgen_core.settings import Settings
from bgen_core.store.people.tokens import BY_OPERATOR, ApiToken

_ROLES: tuple[Role, ...] = get_args(Role)  # by what they may do


def way_in(settings: Settings, role: Role) -> str:
    """By which way of logging in somebody of this role is known now; another password or provider is another way.

    Raises
    ------
    StoreError
        The server's secret cannot be kept.
    """
    mode = mode_of(settings)
    if mode == "oidc":
        named = f"{settings.oidc_issuer} {settings.oidc_client_id}"
        return f"oidc {hashlib.sha256(named.encode()).hexdigest()[:16]}"
    if mode == "password":
        password = settings.admin_password if role == "admin" else settings.password
        return f"password {_mark(settings.home, password.get_secret_value() if password else '')}"
    return mode


def token_visitor(token: ApiToken, settings: Settings) -> Visitor:
    """Who visits with a token.

    Raises
    ------
    UserInputError
        It has ended, or its person was known by a way of logging in that is not this server's now.
    """
    if token.until is not None and token.until <= datetime.now(UTC):
        raise UserInputError(f"This token ended on {token.until:%Y-%m-%d %H:%M} UTC: make a new one.")
    if token.made_under not in (BY_OPERATOR, way_in(settings, token.role)):
        raise UserInputError(
            "This token was made under another way of logging in, or another password: make a new one."
        )
    role: Role = "viewer" if token.scope == "read" else _lesser(token.role, _role_now(token, settings))
    return Visitor(id=token.owner, name=token.owner_name, role=role)


def _role_now(token: ApiToken, settings: Settings) -> Role:
    match mode_of(settings):
        case "header" | "oidc" if token.known_as:
            return role_of(token.known_as, settings)
        case "password" if token.role != "admin" and token.made_under != BY_OPERATOR:
            return settings.default_role
        case _:
            return token.role


def _lesser(one: Role, other: Role) -> Role:
    return one if _ROLES.index(one) < _ROLES.index(other) else other


@lru_cache(maxsize=8)
def _mark(home: Path, password: str) -> str:
    """A mark of a password that is slow to guess from, since it lies in the database and in its backups."""
    return hashlib.scrypt(password.encode(), salt=server_secret(home), n=2**14, r=8, p=1, dklen=8).hex()
