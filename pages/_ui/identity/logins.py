"""Who logged in: what a browser shows for it, until when it holds, and logging out before."""

import json
import logging
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

from bgen_core.authentication import mode_of, one_name, role_of
from bgen_core.errors import UserInputError
from bgen_core.ids import VisitorId
from bgen_core.private_files import close_to_others
from bgen_core.records.visitor import Role, Visitor
from bgen_core.server_secret import server_secret
from bgen_core.settings import Settings
from bgen_core.whole_file import write_whole
from bgen_core.wording import quoted
from pages._ui.identity.signed_cookie import SignedCookie

COOKIE = "bgen_login"
KNOWN_COOKIE = "bgen_known"
PASSWORD_SECONDS = 30 * 24 * 3600
OIDC_SECONDS = 12 * 3600  # a working day: whom the provider knows no longer is out the day after
LONGEST_NAME = 60

_ENDED_NAME = "ended-logins"
_KNOWN = SignedCookie(name=KNOWN_COOKIE, purpose="known", seconds=400 * 24 * 3600)  # the longest that browsers keep one
_MOST_KNOWN = 8  # in one browser: their names, however long, fit into a cookie


@dataclass(frozen=True, kw_only=True)
class Login:
    """What lets somebody in.

    Attributes
    ----------
    visitor
        Who it is.
    key
        What logging out ends: this login of this browser, and no other of the same person.
    until
        Unix time at which it ends by itself.
    known_as
        Names by which the provider knows the person, for the lists of admins and viewers.
    """

    visitor: Visitor
    key: str
    until: float
    known_as: tuple[str, ...] = ()


def login_of(cookies: Mapping[str, str], settings: Settings) -> Login | None:
    """The login that a browser brings; None where it brings none, or one that ended or is not of this server."""
    for role, cookie in _cookies(settings).items():
        found = cookie.read(cookies.get(COOKIE), settings.home)
        if found and (login := _login(*found, role, settings)) and login.key not in _ended(settings.home):
            return login
    return None


def let_in(
    response: Response,
    connection: HTTPConnection,
    visitor: Visitor,
    settings: Settings,
    *,
    known_as: tuple[str, ...] = (),
    key: str = "",
) -> None:
    """Give the browser a login, or the same one anew, and let it know who was here for the next one."""
    role = "admin" if visitor.role == "admin" and mode_of(settings) == "password" else ""
    who = {"id": visitor.id, "name": visitor.name}
    content: dict[str, Any] = {**who, "login": key or secrets.token_hex(8), "known": known_as}
    _cookies(settings)[role].set_on(response, connection, content, settings.home)
    if mode_of(settings) == "password":
        others = [each for each in _known(connection.cookies, settings) if each["id"] != visitor.id]
        _keep_known(response, connection, [who, *others[: _MOST_KNOWN - 1]], settings)


def named_visitor(cookies: Mapping[str, str], name: str, role: Role, settings: Settings) -> Visitor:
    """Who gave the password and this name: whom the browser knows by it, or without any; else somebody new.

    A name alone makes nobody of somebody else: on a shared machine each comes back as who they were by it.
    """
    known = _known(cookies, settings)
    by_name = [each for each in known if name and one_name(each["name"]) == one_name(name)]
    nameless = [each for each in known[:1] if not name or not each["name"]]
    found = next(iter([*by_name, *nameless]), None)
    if found is None:
        return Visitor(id=VisitorId(uuid.uuid4().hex[:12]), name=name, role=role)
    return Visitor(id=VisitorId(found["id"]), name=name or found["name"], role=role)


def known_name(cookies: Mapping[str, str], settings: Settings) -> str:
    """By which name the browser was known last."""
    return next((each["name"] for each in _known(cookies, settings)), "")


def _known(cookies: Mapping[str, str], settings: Settings) -> list[dict[str, str]]:
    """Id and name of each who was here in this browser, the last one first."""
    found = _KNOWN.read(cookies.get(KNOWN_COOKIE), settings.home)
    return [found[0], *found[0].get("before", [])] if found else []  # older versions kept the last one alone


def _keep_known(
    response: Response, connection: HTTPConnection, known: Sequence[Mapping[str, str]], settings: Settings
) -> None:
    (last, *before) = ({"id": each["id"], "name": each["name"]} for each in known)
    _KNOWN.set_on(response, connection, {**last, "before": before}, settings.home)


def checked_name(given: str, *, longest: int = LONGEST_NAME) -> str:
    """A name as it is shown, with single blanks.

    Raises
    ------
    UserInputError
        It is too long, or holds what cannot be shown.
    """
    name = " ".join(given.split())
    if len(name) > longest:
        raise UserInputError(f"The name has {len(name)} letters: {longest} are the most.")
    if not name.isprintable():
        raise UserInputError(f"The name {quoted(name)} holds what cannot be shown: leave that out.")
    return name


def let_out(
    response: Response, connection: HTTPConnection, login: Login | None, settings: Settings, *, forget: bool
) -> None:
    """End a login, here and wherever its cookie was copied to.

    Parameters
    ----------
    forget
        Whether the browser shall not know either who was here; others who were stay known.
    """
    if login:
        _end(login, settings.home)
    gone = [COOKIE]
    if forget:
        known = _known(connection.cookies, settings)
        if others := [each for each in known if login and each["id"] != login.visitor.id]:
            _keep_known(response, connection, others, settings)
        else:
            gone.append(KNOWN_COOKIE)
    for name in gone:
        response.delete_cookie(name, httponly=True, samesite="lax")


def is_over(login: Login, settings: Settings) -> bool:
    """Whether it ended since it let somebody in."""
    return login.until < time.time() or login.key in _ended(settings.home)


def prepare(settings: Settings) -> None:
    """Make the server's secret where cookies or ids need it.

    Raises
    ------
    StoreError
        The secret cannot be kept.
    """
    if mode_of(settings) != "none":
        server_secret(settings.home)


def _cookies(settings: Settings) -> dict[str, SignedCookie]:
    """By the role that it gives, the login's cookie; changing what was asked for puts those out who gave it."""
    if mode_of(settings) == "oidc":
        purpose = f"oidc {settings.oidc_issuer} {settings.oidc_client_id}"
        return {"": SignedCookie(name=COOKIE, purpose=purpose, seconds=OIDC_SECONDS)}
    passwords = {"": settings.password, "admin": settings.admin_password}
    return {
        role: SignedCookie(
            name=COOKIE, purpose=f"password {role} {password.get_secret_value()}", seconds=PASSWORD_SECONDS
        )
        for role, password in passwords.items()
        if password
    }


def _login(content: dict[str, Any], until: float, role: str, settings: Settings) -> Login | None:
    try:
        known_as = tuple(content["known"])
        if role == "admin":
            is_a: Role = "admin"
        elif mode_of(settings) == "password":
            is_a = settings.default_role
        else:
            is_a = role_of(known_as, settings)
        visitor = Visitor(id=VisitorId(content["id"]), name=content["name"], role=is_a)
        return Login(visitor=visitor, key=content["login"], until=until, known_as=known_as)
    except KeyError:  # of an older version
        return None


def _end(login: Login, home: Path) -> None:
    """Remember it until it would have ended by itself: a copy of its cookie opens nothing, after a restart neither."""
    ended = _ended(home)
    ended[login.key] = time.time() + PASSWORD_SECONDS  # another copy may have been given anew meanwhile
    for key in [key for key, until in ended.items() if until < time.time()]:
        del ended[key]
    path = home / _ENDED_NAME
    try:
        write_whole(path, [json.dumps(ended).encode()])
        close_to_others(path)
    except OSError as error:
        logging.getLogger("bgen").warning("who logged out is known until the server ends only: %s", error)


@lru_cache(maxsize=8)
def _ended(home: Path) -> dict[str, float]:
    """Logins of this home that were ended, with the time until which each would have held."""
    try:
        return json.loads((home / _ENDED_NAME).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        logging.getLogger("bgen").warning("who logged out before the server's start is not known: %s", error)
        return {}
