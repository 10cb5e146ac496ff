"""The app's own routes: pictures by their content, and downloads of a sweep."""

import re
from collections.abc import Callable, Iterator
from functools import cache

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bgen_core.errors import LostPictureError, StoreError, UserInputError
from bgen_core.ids import BlobHash, SweepId
from bgen_core.jobs.executors.executor import Health
from bgen_core.reports.contact_sheet import contact_sheet
from bgen_core.reports.sweep_heading import axes_in_name
from bgen_core.runs.links import PICTURES, RUNS, SHEETS, THUMBNAIL_SIDES, ZIPS
from bgen_core.store.blobs import BlobStore
from bgen_core.store.thumbnails import thumbnail
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.links.link_routes import link_routes
from pages._ui.routes.api.mounted import api_mount
from pages._ui.routes.operation_routes import operation_routes
from pages._ui.routes.page_html import page_routes
from pages._ui.routes.streaming import Endpoint, StoreOf, attachment, download, refused
from pages._ui.routes.subject_routes import subject_routes

_PICTURE = re.compile(r"([0-9a-f]{64})\.(webp|png)")
# A name is a hash of the content, so what it names never changes. Private: pictures of persons stay out of proxies.
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
# A 12-megapixel PNG takes 100 MB while its thumbnail is made: only so many at once.
_DECODED_AT_ONCE = 2


def own_routes(
    store_of: StoreOf = resources.store_of, health: Callable[[], Health | None] = resources.health
) -> list[BaseRoute]:
    """The routes that `st.App` serves beside the pages.

    Parameters
    ----------
    store_of
        Gives the store as whoever asks sees it; none is opened at import.
    health
        How it is with what computes, or None while nothing does.
    """
    decoding = CapacityLimiter(_DECODED_AT_ONCE)

    async def picture(request: Request) -> Response:
        named = _PICTURE.fullmatch(request.path_params["name"])
        if named is None:
            return refused(404, "No picture has this name.")
        blob, suffix = BlobHash(named[1]), named[2]
        side = request.query_params.get("side", "512")
        if suffix == "webp" and side not in map(str, THUMBNAIL_SIDES):
            return refused(400, f"side must be one of {', '.join(map(str, THUMBNAIL_SIDES))}.")
        try:
            store = await run_sync(store_of, request)
            # As if it were not there: whoever guesses an address learns nothing.
            seen = await run_sync(store.pictures.sees, blob)
            data = await _read(store.blobs, blob, suffix, int(side) if suffix == "webp" else 0) if seen else None
        except StoreError as error:
            return refused(503, told(error))
        if data is None:
            return refused(404, "This picture is not in the store.")
        return Response(data, media_type=f"image/{suffix}", headers=_FOREVER | _saving(request, suffix))

    async def _read(store: BlobStore, blob: BlobHash, suffix: str, side: int) -> bytes | None:
        if suffix == "webp" and (kept := await run_sync(store.get_thumbnail, blob, f"{side}.webp")) is not None:
            return kept
        try:
            if suffix == "webp":
                return await run_sync(thumbnail, store, blob, side, limiter=decoding)
            return await run_sync(store.get_near, blob)
        except LostPictureError:
            if await run_sync(store.exists, blob):  # damaged: that is told
                raise
            return None

    async def sheet(request: Request) -> Response:
        across, down = request.query_params.get("x"), request.query_params.get("y")
        side, suffix = request.query_params.get("side", "512"), request.path_params["suffix"]

        def begin() -> Iterator[bytes]:
            store = store_of(request)
            sheet = contact_sheet(
                store,
                _sweep_id(request),
                across=across,
                down=down,
                side=int(side) if side.isascii() and side.isdigit() and len(side) < 6 else 0,
                form=suffix,
            )
            return sheet.pieces(store.blobs)

        return await _download(request, begin, suffix=suffix, media_type=f"image/{suffix}")

    # What these two need takes a third of the time that the server needs to start: pandas, with its first download.
    async def archive(request: Request) -> Response:
        def begin() -> Iterator[bytes]:
            from bgen_core.archive.sweep_archive import sweep_archive
            from bgen_core.subject.decoding.image_io import DecodeLimits

            limits = DecodeLimits.of_pictures(resources.settings())
            return sweep_archive(store_of(request), _sweep_id(request), limits=limits)

        return await _download(request, begin, suffix="zip", media_type="application/zip")

    @cache
    def exporting() -> Endpoint:
        from pages._ui.routes.export_routes import export_endpoint

        return export_endpoint(store_of)

    async def export(request: Request) -> Response:
        return await (await run_sync(exporting))(request)

    async def _download(
        request: Request, begin: Callable[[], Iterator[bytes]], *, suffix: str, media_type: str
    ) -> Response:
        sweep_id = _sweep_id(request)
        try:
            # An id that is not there is another answer than an axis that is not there.
            sweep = await run_sync(lambda: store_of(request).sweeps.get(sweep_id))
        except StoreError as error:
            return refused(503, told(error))
        except UserInputError as error:
            return refused(404, told(error))
        name = f"bgen-{axes_in_name(SweepPlan.from_json(sweep.plan))}-{sweep_id[:12]}"
        return await download(request, begin, name=name, suffix=suffix, media_type=media_type, limiter=decoding)

    return [
        *operation_routes(store_of, health),
        api_mount(store_of, exporting),
        _route(f"/{PICTURES}{{name}}", picture),
        _route(f"/{SHEETS}{{sweep_id}}.{{suffix}}", sheet),
        _route(f"/{ZIPS}{{sweep_id}}.zip", archive),
        _route(f"/{RUNS}{{suffix}}", export),
        *subject_routes(store_of),
        *link_routes(),
        *page_routes(),
    ]


def _route(path: str, endpoint: Endpoint) -> Route:
    """The gate stands before all of them; a check in a page's script would not."""
    return Route(path, endpoint, methods=["GET"])


def _sweep_id(request: Request) -> SweepId:
    return SweepId(request.path_params["sweep_id"])


def _saving(request: Request, suffix: str) -> dict[str, str]:
    """The header that makes a browser save the picture under the name that the link asks for."""
    asked = request.query_params.get("download")
    if asked is None:
        return {}
    return attachment(asked, suffix)
