"""The gate before everything that the server answers: pages, websocket, pictures, uploads, downloads.

See docs/decisions/password.md and docs/decisions/identity.md.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import cached_property, partial
from typing import Any
from urllib.parse import parse_qs, quote

import streamlit as st
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bgen_core.authentication import check, is_loopback, mode_of
from bgen_core.cluster.checks import check_painters
from bgen_core.errors import BgenError, StoreError, UserInputError
from bgen_core.settings import Settings
from bgen_core.store.people.tokens import ApiToken
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.app.password import role_by_password
from pages._ui.app.wrong_tries import WrongTries, too_many
from pages._ui.identity.account_answers import account_answer
from pages._ui.identity.bearer import ASKS_FOR_TOKEN, TokenDoor
from pages._ui.identity.forms import HEADERS, LOGIN, LOGOUT, RENAME, login_form, notice, wants_page, within_app
from pages._ui.identity.handed_on import with_visitor
from pages._ui.identity.logins import Login, checked_name, is_over, known_name, let_in, login_of, named_visitor, prepare
from pages._ui.identity.oidc import CALLBACK, Provider
from pages._ui.identity.open_sockets import OpenSockets
from pages._ui.identity.proxy_header import visitor_named
from pages._ui.identity.refusals import is_of_api, refusal
from pages._ui.identity.viewers import LOOKS_ALONE
from pages._ui.links.link_address import is_link

OPEN_PATHS = ("/healthz", "/readyz", "/metrics")  # the last one says itself to whom it answers

_MOST_BYTES = 8192
_MOST_BODIES = 32  # at once: few beside the descriptors of any server
_REFUSED = (
    "No password is set, so this app answers its own machine alone: "
    "to share it, start it with BGEN_PASSWORD=… in its environment."
)
_NEEDS_TOKEN = "This needs a token: make one under your name on the pages, and send it as Authorization: Bearer."
_ONLY_READ = ("GET", "HEAD", "OPTIONS")
_PROXY_SECONDS = 3600.0  # then a websocket comes anew, through a proxy that may know the visitor no longer


class Gate:
    """ASGI middleware: nothing is answered before it is known who asks; without a password, only this machine is.

    Pages and routes behind it learn the visitor from `handed_on`, however they are known.

    Parameters
    ----------
    settings
        Asked at each request; cached by who gives it.
    wrong_seconds
        How long a wrong password waits for its answer.
    form_seconds
        How long the form with the password may take to come in: it is tiny, and sent by strangers.
    provider_options
        See `Provider`.
    token_of
        What is known of a script's token, by its text.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Callable[[], Settings] = resources.settings,
        wrong_seconds: float = 1.0,
        form_seconds: float = 10.0,
        provider_options: dict[str, Any] | None = None,
        token_of: Callable[[str], ApiToken | None] = resources.token_of,
    ) -> None:
        self._app = app
        self._settings = settings
        self._wrong_seconds = wrong_seconds
        self._form_seconds = form_seconds
        self._provider_options = provider_options or {}
        self._tokens = TokenDoor(token_of, wrong_seconds=wrong_seconds)
        self._tries = WrongTries()
        self._admin_tries = WrongTries()  # which the visitors' password does not clear: a member could go on guessing
        self._coming: deque[asyncio.Timeout] = deque()
        self._sockets = OpenSockets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            if problem := self._start_problem():
                await receive()
                await send({"type": "lifespan.startup.failed", "message": problem})
                return
        elif scope["path"] in OPEN_PATHS:
            scope = with_visitor(scope, None)
        else:
            judged = await self._judged(scope, receive)
            if isinstance(judged, Response):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008, "reason": ""})
                else:
                    await judged(scope, receive, send)
                return
            scope = with_visitor(scope, judged.visitor if judged else None)
            if judged and scope["type"] == "websocket":
                over = partial(is_over, settings=self._settings())
                receive, send = self._sockets.limited(judged, over, receive, send)
        await self._app(scope, receive, send)

    def _start_problem(self) -> str:
        """Why the server must not start, in one sentence; empty where it may."""
        try:
            settings = self._settings()
            check(settings)
            prepare(settings)
            check_painters(settings)
        except BgenError as error:
            return str(error)
        address = st.get_option("server.address")
        if mode_of(settings) == "none" and not is_loopback(address):
            shown = address or "not set, which means every address"
            return (
                f"server.address is {shown}: other machines would reach the app without a password. "
                "Start it with BGEN_PASSWORD=… in its environment, or with --server.address 127.0.0.1."
            )
        return ""

    async def _judged(self, scope: Scope, receive: Receive) -> Response | Login | None:
        """What lets the visitor through, None for who is at this machine where nothing is asked, or the answer."""
        settings = self._settings()
        if mode_of(settings) == "none" and not _is_from_here(scope):
            return refusal(scope, 403, _REFUSED)
        by_link = scope["type"] == "http" and is_link(scope["path"])
        try:
            by_token = await self._tokens.judged(scope, settings)
            if isinstance(by_token, Response) or (by_token is None and mode_of(settings) == "none"):
                return by_token
            entered = by_token or _entered(scope, settings)
        except StoreError as error:
            return refusal(scope, 503, told(error))
        except UserInputError as error:
            if not by_link or settings.links != "open":
                return refusal(scope, 403, told(error))
            entered = None
        if by_link and (entered or settings.links == "open"):
            return entered  # what the link shows, and whether it may be voted on, is the link's to say
        if scope["type"] == "websocket":
            return entered or Response(status_code=403)
        request = Request(scope, receive)
        if scope["path"] in (LOGIN, LOGOUT, RENAME, CALLBACK):
            return await self._account(request, entered, settings)
        if entered is None:
            return await self._asked(request, settings)
        if entered.visitor.role == "viewer" and request.method not in _ONLY_READ:
            return refusal(scope, 403, LOOKS_ALONE)
        return entered

    async def _account(self, request: Request, entered: Login | None, settings: Settings) -> Response:
        """What is asked about the login itself."""
        path, mode = request.scope["path"], mode_of(settings)
        if path == LOGIN and request.method == "POST" and mode == "password":
            return await self._login(request, settings)
        if path == CALLBACK and mode == "oidc":
            return await self._by_provider(request, self._provider.finish(request))
        if path in (LOGOUT, RENAME):
            body = await self._form_body(request) if request.method == "POST" else b""
            if isinstance(body, Response):
                return body
            answer = account_answer(request, body, entered, settings)
            changes = path == LOGOUT or (mode == "password" and answer.status_code == 303)
            if request.method == "POST" and entered and changes:
                # Afterwards: a page that sees its end before would not hear what becomes of its cookies.
                answer.background = BackgroundTask(self._sockets.close, entered.key)
            return answer
        if entered:
            return RedirectResponse("/", 303, HEADERS)
        return await self._asked(request, settings)

    async def _asked(self, request: Request, settings: Settings) -> Response:
        """Who is not known is asked who they are; a program reads where to say it."""
        if is_of_api(request.scope):
            return refusal(request.scope, 401, _NEEDS_TOKEN, ASKS_FOR_TOKEN)
        if not wants_page(request):
            return PlainTextResponse(f"This needs {_needed(settings)} at {LOGIN}.", 401, HEADERS)
        query = f"?{request.url.query}" if request.url.query else ""
        target = "/" if request.scope["path"] in (LOGIN, CALLBACK) else quote(request.scope["path"]) + query
        if mode_of(settings) == "oidc":
            return await self._by_provider(request, self._provider.begin(request, within_app(target)))
        return login_form(target, name=known_name(request.cookies, settings), status=401)

    async def _by_provider(self, request: Request, answer: Awaitable[Response]) -> Response:
        try:
            return await answer
        except UserInputError as error:
            return notice("Not logged in", told(error), status=403)
        except StoreError as error:
            return PlainTextResponse(told(error), 503, HEADERS)

    @cached_property
    def _provider(self) -> Provider:
        return Provider(self._settings(), **self._provider_options)

    async def _login(self, request: Request, settings: Settings) -> Response:
        body = await self._form_body(request)
        if isinstance(body, Response):
            return body
        fields = parse_qs(body.decode("utf-8", "replace"))
        tried, target, name = (fields.get(key, [""])[0] for key in ("password", "next", "name"))
        target = within_app(target)
        _form = partial(login_form, name=name)
        address = request.client.host if request.client else ""
        if pause := self._tries.pause(address):
            return _form(target, too_many(pause), status=429)
        admins_wait = self._admin_tries.pause(address)
        role = role_by_password(tried, settings, is_for_admins=not admins_wait)
        if role is None:
            self._tries.add(address)
            if settings.admin_password:
                self._admin_tries.add(address)
            await self._tries.slow_down(self._wrong_seconds)
            # The same whatever was tried: what waits is not told to be right.
            problem = "This is not the password." + (f" An admin's: {too_many(admins_wait)}" if admins_wait else "")
            return _form(target, problem, status=401)
        self._tries.forget(address)
        if role == "admin":
            self._admin_tries.forget(address)
        try:
            visitor = named_visitor(request.cookies, checked_name(name), role, settings)
        except UserInputError as error:
            return _form(target, told(error), status=400)
        response = RedirectResponse(target, 303, HEADERS)
        let_in(response, request, visitor, settings)
        return response

    async def _form_body(self, request: Request) -> bytes | Response:
        """What the form sent, or the answer where it does not come in time.

        Where too many are on their way, the one that has taken longest gives way: a person's form comes at once, so
        nobody keeps people out with forms that never come.
        """
        limit = asyncio.timeout(self._form_seconds)
        body = b""
        try:
            async with limit:
                self._coming.append(limit)
                if len(self._coming) > _MOST_BODIES:
                    _end_now(self._coming.popleft())
                async for piece in request.stream():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        return PlainTextResponse("This is longer than any password.", 413, HEADERS)
        except TimeoutError:
            # Plain: reading the form's file needs a descriptor, of which there may be none at this moment.
            if limit in self._coming:
                return PlainTextResponse(f"This did not come within {self._form_seconds:g} s: try again.", 408, HEADERS)
            return PlainTextResponse("Too many give a password at this moment: try again.", 503, HEADERS)
        finally:
            if limit in self._coming:
                self._coming.remove(limit)
        return body


def _end_now(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


def _entered(scope: Scope, settings: Settings) -> Login | None:
    """What lets this connection in; a proxy that names nobody is refused with a UserInputError."""
    if mode_of(settings) == "header":
        return Login(visitor=visitor_named(scope, settings), key="", until=time.time() + _PROXY_SECONDS)
    return login_of(HTTPConnection(scope).cookies, settings)


def _needed(settings: Settings) -> str:
    return "a login: begin" if mode_of(settings) == "oidc" else "the password: give it"


def _is_from_here(scope: Scope) -> bool:
    """Whether the connection came in at a loopback address or a Unix socket, whatever the server was bound to."""
    host, port = scope.get("server") or ("", 0)
    return port is None or is_loopback(host)
