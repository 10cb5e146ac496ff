"""A small app behind the gate, which says to whom it speaks: for tests of every way in."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocket, WebSocketDisconnect

from bgen_core.settings import Settings
from bgen_core.store.people.tokens import ApiToken
from pages._ui.app.gate import Gate
from pages._ui.identity.handed_on import visitor_in

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SOCKET = "/_stcore/stream"
UPLOAD = "/_stcore/upload_file/session/file"


def said(headers: Any) -> dict[str, str]:
    visitor = visitor_in(headers)
    return {"id": visitor.id, "name": visitor.name, "role": visitor.role} if visitor else {"role": "nobody"}


async def behind(request: Request) -> JSONResponse:
    return JSONResponse(said(request.headers))


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(said(websocket.headers))
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(await websocket.receive_text())


def gated(
    settings: Settings,
    *,
    peer: str = "testclient",
    url: str = "http://127.0.0.1",
    token_of: Callable[[str], ApiToken | None] = lambda text: None,
    **provider_options: Any,
) -> TestClient:
    """A browser at the other end of a connection from `peer`."""
    routes = [WebSocketRoute(SOCKET, socket), Route("/{path:path}", behind, methods=["GET", "POST", "PUT", "DELETE"])]
    gate = Middleware(
        Gate, settings=lambda: settings, wrong_seconds=0, provider_options=provider_options, token_of=token_of
    )
    app = Starlette(routes=routes, middleware=[gate])
    return TestClient(app, base_url=url, follow_redirects=False, client=(peer, 50000))


def ways_in(client: TestClient, **headers: str) -> dict[str, str]:
    """By each way, as whom the app answered; empty where it did not."""
    asked = {
        "page": client.get("/sweep?id=1", headers=BROWSER | headers),
        "own route": client.get("/i/" + "a" * 64 + ".png", headers=headers),
        "download": client.get("/download/zip/abc.zip", headers=headers),
        "upload": client.put(UPLOAD, content=b"x", headers=headers),
        "delete": client.delete(UPLOAD, headers=headers),
    }
    answered = {way: answer.json()["role"] if answer.is_success else "" for way, answer in asked.items()}
    return answered | {"websocket": by_socket(client, **headers)}


def opened_socket(client: TestClient, **headers: str) -> WebSocketTestSession:
    # The whole address: Starlette's client would name another host.
    return client.websocket_connect(str(client.base_url).replace("http", "ws", 1) + SOCKET, headers=headers)


def by_socket(client: TestClient, **headers: str) -> str:
    try:
        with opened_socket(client, **headers) as opened:
            return opened.receive_json()["role"]
    except WebSocketDisconnect:
        return ""


EVERY_WAY = ("page", "own route", "download", "upload", "delete", "websocket")


def by_every_way(role: str) -> dict[str, str]:
    return dict.fromkeys(EVERY_WAY, role)
