"""The app's own routes: pictures by their content, and whether the server lives."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bgen_core.errors import StoreError
from bgen_core.runs.blobs import BlobStore
from bgen_core.runs.links import PICTURES, THUMBNAIL_SIDES
from bgen_core.runs.thumbnails import thumbnail
from pages._ui import resources

Endpoint = Callable[[Request], Awaitable[Response]]

_PICTURE = re.compile(r"([0-9a-f]{64})\.(webp|png)")
# A name is a hash of the content, so what it names never changes. Private: pictures of persons stay out of proxies.
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
# A 12-megapixel PNG takes 100 MB while its thumbnail is made: only so many at once.
_DECODED_AT_ONCE = 2


def image_routes(blobs: Callable[[], BlobStore] = lambda: resources.store().blobs) -> list[Route]:
    """The routes that `st.App` serves beside the pages.

    Parameters
    ----------
    blobs
        Gives the pictures when the first one is asked for: no store is opened at import.
    """
    decoding = CapacityLimiter(_DECODED_AT_ONCE)

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def picture(request: Request) -> Response:
        named = _PICTURE.fullmatch(request.path_params["name"])
        if named is None:
            return _refused(404, "No picture has this name.")
        blob, suffix = named.groups()
        side = request.query_params.get("side", "512")
        if suffix == "webp" and side not in map(str, THUMBNAIL_SIDES):
            return _refused(400, f"side must be one of {', '.join(map(str, THUMBNAIL_SIDES))}.")
        try:
            data = await _read(await run_sync(blobs), blob, suffix, int(side) if suffix == "webp" else 0)
        except StoreError as error:
            return _refused(503, str(error))
        if data is None:
            return _refused(404, "This picture is not in the store.")
        return Response(data, media_type=f"image/{suffix}", headers=_FOREVER | _saving(request, suffix))

    async def _read(store: BlobStore, blob: str, suffix: str, side: int) -> bytes | None:
        if suffix == "webp" and (kept := await run_sync(store.get_thumbnail, blob, f"{side}.webp")) is not None:
            return kept
        if not await run_sync(store.exists, blob):
            return None
        if suffix == "webp":
            return await run_sync(thumbnail, store, blob, side, limiter=decoding)
        return await run_sync(store.get, blob)

    return [_route("/healthz", healthz), _route(f"{PICTURES}{{name}}", picture)]


def _route(path: str, endpoint: Endpoint) -> Route:
    """Every own route is made here, so that one gate can stand before all of them; a page's login does not."""
    return Route(path, endpoint, methods=["GET"])


def _refused(status: int, sentence: str) -> Response:
    return PlainTextResponse(sentence, status, headers={"Cache-Control": "no-store"})


def _saving(request: Request, suffix: str) -> dict[str, str]:
    """The header that makes a browser save the picture under the name that the link asks for."""
    asked = request.query_params.get("download")
    if asked is None:
        return {}
    name = re.sub(r"[^\w .()+-]+", "-", asked).strip(" .-")[:120] or "picture"
    name = name if name.lower().endswith(f".{suffix}") else f"{name}.{suffix}"
    plain = name.encode("ascii", "replace").decode().replace("?", "-")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"}
