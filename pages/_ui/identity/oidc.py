"""Logging in at an OpenID provider: the authorization code flow with state, nonce and PKCE, by Authlib.

See docs/decisions/identity.md.
"""

import logging
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bgen_core.authentication import role_of
from bgen_core.errors import UserInputError
from bgen_core.records.visitor import Visitor
from bgen_core.server_secret import keyed_id
from bgen_core.settings import Settings, entries_of
from bgen_core.wording import quoted
from pages._ui.app.sub_path import sub_path
from pages._ui.identity.logins import LONGEST_NAME, let_in
from pages._ui.identity.signed_cookie import SignedCookie

CALLBACK = "/login/callback"

_STATE_SECONDS = 600  # to give a password at the provider
_PROVIDER_SECONDS = 10.0
_NOT_THERE = "The login provider does not answer as it should: try again in a minute."
_NOT_DONE = "The login did not come to its end: try again."

_log = logging.getLogger("bgen")


class ProviderError(UserInputError):
    """The provider let nobody in; why stands in the log, since its texts are anybody's."""


class Provider:
    """One OpenID provider.

    Parameters
    ----------
    client_options
        What the HTTP client takes beside its limits, such as a transport.
    """

    def __init__(self, settings: Settings, **client_options: Any) -> None:
        self._settings = settings
        self._options = client_options

    async def begin(self, request: Request, target: str) -> Response:
        """Send a browser to the provider; `target` is where it wants to be afterwards.

        Raises
        ------
        ProviderError
            The provider cannot be asked.
        """
        request.scope["session"] = session = dict[str, Any]()
        try:
            await self._check_metadata()
            answer: Response = await self._client.authorize_redirect(request, self._callback_url(request))
        except Exception as error:
            raise self._told(error, _NOT_THERE) from error
        (state,) = (key.removeprefix(f"_state_{self._client.name}_") for key in session)
        self._cookie(state).set_on(answer, request, {"session": session, "target": target}, self._settings.home)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def finish(self, request: Request) -> Response:
        """Let in whom the provider sent back, and lead to where they wanted to be.

        Raises
        ------
        ProviderError
            This browser did not ask for it, or what the provider says does not hold.
        """
        state = request.query_params.get("state", "")
        cookie = self._cookie(state)
        begun = cookie.read(request.cookies.get(cookie.name), self._settings.home)
        if begun is None:
            raise ProviderError(_NOT_DONE)
        request.scope["session"] = begun[0]["session"]
        try:
            await self._check_metadata()
            token = await self._client.authorize_access_token(request)
            claims = await self._claims(token)
        except Exception as error:
            raise self._told(error, _NOT_DONE) from error
        answer = RedirectResponse(begun[0]["target"], 303, {"Cache-Control": "no-store"})
        visitor, known_as = self._visitor(claims)
        let_in(answer, request, visitor, self._settings, known_as=known_as)
        answer.delete_cookie(cookie.name, httponly=True, samesite="lax")
        return answer

    @cached_property
    def _client(self) -> Any:
        from authlib.integrations.starlette_client import OAuth  # a tenth of a second, and not everywhere at hand

        secret, clients = self._settings.oidc_client_secret, cast("Any", OAuth())
        return clients.register(
            "oidc",
            client_id=self._settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret else "",
            server_metadata_url=f"{self._settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "timeout": _PROVIDER_SECONDS,
                **self._options,
            },
        )

    async def _check_metadata(self) -> None:
        """Refuse a provider that is another one than was meant: tokens are compared with what it calls itself."""
        metadata = await self._client.load_server_metadata()
        if str(metadata.get("issuer", "")).rstrip("/") != self._settings.oidc_issuer.rstrip("/"):
            raise ValueError(f"it calls itself {quoted(str(metadata.get('issuer')))}, which is not BGEN_OIDC_ISSUER")

    async def _claims(self, token: Mapping[str, Any]) -> dict[str, Any]:
        """What the ID token says, and what the provider says beyond it where the lists of names need it."""
        claims = dict(token.get("userinfo") or {})
        if not claims.get("sub"):
            raise ValueError("it sent no ID token")
        if self._settings.oidc_claim not in claims and self._client.server_metadata.get("userinfo_endpoint"):
            more = await self._client.userinfo(token=token)
            if more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
        return claims

    def _visitor(self, claims: Mapping[str, Any]) -> tuple[Visitor, tuple[str, ...]]:
        known_as = _known_as(claims, self._settings)
        said = (claims.get(key) for key in ("name", "preferred_username", "email", "sub"))
        name = next(shown for each in said if (shown := _shown(each)))
        visitor_id = keyed_id(self._settings.home, "oidc", self._settings.oidc_issuer, str(claims["sub"]))
        return Visitor(id=visitor_id, name=name, role=role_of(known_as, self._settings)), known_as

    def _callback_url(self, request: Request) -> str:
        return (self._settings.public_url or str(request.base_url).rstrip("/") + sub_path()) + CALLBACK

    def _cookie(self, state: str) -> SignedCookie:
        """One for each login that was begun: tabs that are opened together do not end each other's."""
        name = f"bgen_oidc_{re.sub('[^A-Za-z0-9_-]', '', state)[:64]}"
        return SignedCookie(name=name, purpose="login that was begun", seconds=_STATE_SECONDS)

    def _told(self, error: Exception, sentence: str) -> ProviderError:
        _log.warning("no login at %s: %s: %s", self._settings.oidc_issuer, type(error).__name__, error)
        return ProviderError(sentence)


def _known_as(claims: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    """Names for the lists of admins and viewers. An e-mail that anybody can write into an account is none."""
    value = claims.get(settings.oidc_claim)
    if settings.oidc_claim == "email" and claims.get("email_verified") is not True:
        return ()
    if isinstance(value, list):  # groups: there may be more than a cookie holds
        named = {*entries_of(settings.admins), *entries_of(settings.viewers)}
        return tuple(str(each) for each in cast("list[Any]", value) if each in named)
    return (str(value),) if value else ()


def _shown(said: object) -> str:
    """What of a provider's word can be shown as a name."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(said or "")).split())[
        :LONGEST_NAME
    ]
