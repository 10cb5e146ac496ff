"""An OpenID provider in this process: discovery, keys, tokens, and a person who is logged in there."""

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from bgen_core.settings import Settings, load_settings

ISSUER = "https://login.example.org/realms/team"
_KEY = RSAKey.generate_key(2048, {"kid": "first"})


class FakeProvider:
    """Answers as Keycloak does; a test may change what it says before it is asked.

    Attributes
    ----------
    metadata, claims
        What is said beyond, or in place of, what is right.
    key
        What ID tokens are signed with.
    """

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.key, self.algorithm = _KEY, "RS256"
        self.is_away = False
        self._codes: dict[str, dict[str, str]] = {}
        routes = [
            Route("/realms/team/.well-known/openid-configuration", self._discovery),
            Route("/keys", self._keys),
            Route("/userinfo", self._userinfo),
            Route("/token", self._token, methods=["POST"]),
        ]
        self._app = Starlette(routes=routes)

    @property
    def transport(self) -> httpx2.AsyncBaseTransport:
        return _MayBeAway(self)

    def settings(self, home: Path, **more: object) -> Settings:
        given = {"oidc_issuer": ISSUER, "oidc_client_id": "bgen", "oidc_client_secret": "of the client's"}
        return load_settings(home=home, auth="oidc", **(given | more))

    def log_in(self, client: TestClient, *, sub: str, path: str = "/") -> httpx2.Response:
        """Go through the whole login with a browser; the last answer of the app."""
        begun = client.get(path, headers={"accept": "text/html"})
        assert begun.status_code == 302, begun.text
        return client.get(self.sent_back(begun.headers["location"], sub=sub))

    def sent_back(self, asked: str, *, sub: str = "anna") -> str:
        """Where the provider sends a browser that came to `asked`, with a code for this person."""
        address = urlsplit(asked)
        assert f"{address.scheme}://{address.netloc}{address.path}" == "https://login.example.org/authorize"
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == "bgen"
        assert query["code_challenge_method"] == "S256"
        code = f"code{len(self._codes)}"
        self._codes[code] = query | {"sub": sub}
        return f"{query['redirect_uri']}?code={code}&state={query['state']}"

    async def _discovery(self, request: Request) -> JSONResponse:
        own = "https://login.example.org"
        said = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{own}/authorize",
            "token_endpoint": f"{own}/token",
            "jwks_uri": f"{own}/keys",
            "userinfo_endpoint": f"{own}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return JSONResponse(said | self.metadata)

    async def _keys(self, request: Request) -> JSONResponse:
        return JSONResponse({"keys": [_KEY.as_dict(private=False)]})

    async def _userinfo(self, request: Request) -> JSONResponse:
        return JSONResponse(self.userinfo)

    async def _token(self, request: Request) -> JSONResponse:
        async with request.form() as form:
            asked = self._codes.pop(str(form.get("code")), None)
            verifier = str(form.get("code_verifier", ""))
        credentials = base64.b64encode(b"bgen:of%20the%20client%27s").decode()
        plain = base64.b64encode(b"bgen:of the client's").decode()
        assert request.headers["authorization"] in (f"Basic {credentials}", f"Basic {plain}")
        if asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if challenge != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": "bgen", "sub": asked["sub"], "nonce": asked["nonce"], "iat": now, "exp": now + 300,
            "name": "Anna", "email": f"{asked['sub']}@example.org", "email_verified": True,
        } | self.claims  # fmt: skip
        said = {name: value for name, value in claims.items() if value is not None}
        token = self._signed(said)
        return JSONResponse({"access_token": "opens the provider", "token_type": "Bearer", "id_token": token})

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.algorithm == "none":
            parts = ({"alg": "none"}, claims)
            encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
            return ".".join([*encoded, ""])
        return jwt.encode({"alg": self.algorithm, "kid": "first"}, claims, self.key)


class _MayBeAway(httpx2.AsyncBaseTransport):
    def __init__(self, provider: FakeProvider) -> None:
        self._provider = provider
        self._inner = httpx2.ASGITransport(provider._app)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._provider.is_away:
            raise httpx2.ConnectError("no route to the host")
        return await self._inner.handle_async_request(request)
