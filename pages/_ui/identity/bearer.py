"""Scripts that bring a token in place of a login: `Authorization: Bearer bgen_…`."""

import time
from collections.abc import Callable

from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from bgen_core.api.token_visitor import token_visitor
from bgen_core.authentication import is_trusted_proxy, mode_of
from bgen_core.errors import UserInputError
from bgen_core.settings import Settings
from bgen_core.store.people.tokens import PREFIX, ApiToken
from pages._ui.app.faults import told
from pages._ui.app.wrong_tries import WrongTries
from pages._ui.identity.logins import Login
from pages._ui.identity.real_peer import real_peer
from pages._ui.identity.refusals import is_of_api, refusal

ASKS_FOR_TOKEN = {"WWW-Authenticate": 'Bearer realm="bgen"'}
READS_ALONE = "This token has the scope read: for this, make one with the scope sweep."

_TAKEN_AT = ("/i/", "/download/")  # beside the API: what its answers name
_SECONDS = 60.0  # a login by token is of its request alone
_ONLY_READ = ("GET", "HEAD", "OPTIONS")
_NOT_KNOWN = "This token is not known here: it was revoked, or has letters too many or too few."
_BY_PROXY = "This app answers through its proxy alone: open it at the proxy's address."


class TokenDoor:
    """Tells who brings a token. Not thread-safe: for one event loop.

    Wrong tokens are slowed by the addresses that they come from, as wrong passwords are. But a right one opens from any
    address: nobody guesses 256 random bits, and a forgotten script with a revoked token would lock out a whole office.
    """

    def __init__(self, token_of: Callable[[str], ApiToken | None], *, wrong_seconds: float) -> None:
        self._token_of = token_of
        self._wrong_seconds = wrong_seconds
        self._tries = WrongTries()

    async def judged(self, scope: Scope, settings: Settings) -> Login | Response | None:
        """What lets a script in, or why not; None where none brings a token that is meant for this app.

        Raises
        ------
        StoreError
            Nobody can say now whether there is such a token.
        """
        text = _token_text(scope, settings)
        if text is None:
            return None
        if mode_of(settings) == "header" and not is_trusted_proxy(real_peer(scope), settings):
            return refusal(scope, 403, _BY_PROXY)
        token = await run_sync(self._token_of, text)
        if token is None:
            return await self._wrong(scope)
        try:
            visitor = token_visitor(token, settings)
        except UserInputError as error:
            return refusal(scope, 401, told(error), ASKS_FOR_TOKEN)
        if token.scope == "read" and scope["method"] not in _ONLY_READ:
            return refusal(scope, 403, READS_ALONE)
        return Login(visitor=visitor, key="", until=time.time() + _SECONDS)

    async def _wrong(self, scope: Scope) -> Response:
        address = scope["client"][0] if scope.get("client") else ""
        pause = self._tries.pause(address)
        if pause:
            sentence = f"Too many wrong tokens from your address: give a right one, or wait {round(pause) + 1} s."
            return refusal(scope, 429, sentence, {"Retry-After": str(round(pause) + 1)})
        self._tries.add(address)
        await self._tries.slow_down(self._wrong_seconds)
        return refusal(scope, 401, _NOT_KNOWN, ASKS_FOR_TOKEN)


def _token_text(scope: Scope, settings: Settings) -> str | None:
    """The token that a script brings, where this app asks for one.

    Some proxies hand on tokens of their own under the same name: with BGEN_AUTH=header only this app's are looked at.
    """
    if scope["type"] != "http" or not (is_of_api(scope) or scope["path"].startswith(_TAKEN_AT)):
        return None
    kind, _, text = Headers(scope=scope).get("authorization", "").partition(" ")
    text = text.strip()
    if kind.lower() != "bearer" or (mode_of(settings) == "header" and not text.startswith(PREFIX)):
        return None
    return text
