"""The library as a download: subjects that an address names, or all of them, as a ZIP that is made while it is sent."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from urllib.parse import urlencode

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bgen_core.errors import StoreError, UserInputError
from bgen_core.runs.store import Store
from bgen_core.runs.subject_archive import MOST_SUBJECTS, export_subjects
from pages._ui.streaming import in_thread

_PATH = "/download/subjects.zip"
_READ_AT_ONCE = 2  # photos: each is in memory as the file that it is


def subjects_url(ids: Sequence[str] = ()) -> str:
    """Subjects as a download; all that fit into one file where none is named."""
    return f"{_PATH}?{urlencode({'id': ids}, doseq=True)}" if ids else _PATH


def subject_routes(open_store: Callable[[], Store]) -> list[Route]:
    """The route that `subjects_url` names."""
    reading = CapacityLimiter(_READ_AT_ONCE)

    def begin(ids: Sequence[str]) -> Iterator[bytes]:
        store = open_store()
        pieces = export_subjects(store, ids or [entry.id for entry in store.list_subjects()][:MOST_SUBJECTS])
        return chain([next(pieces)], pieces)  # what fails at once is an answer of its own, not half a file

    async def download(request: Request) -> Response:
        try:
            pieces = await run_sync(begin, request.query_params.getlist("id"), limiter=reading)
        except StoreError as error:
            return PlainTextResponse(str(error), 503, {"Cache-Control": "no-store"})
        except UserInputError as error:
            return PlainTextResponse(str(error), 400, {"Cache-Control": "no-store"})
        headers = {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": 'attachment; filename="subjects.zip"',
        }
        if request.method == "HEAD":
            return Response(None, media_type="application/zip", headers=headers)
        return StreamingResponse(in_thread(pieces, reading), media_type="application/zip", headers=headers)

    return [Route(_PATH, download, methods=["GET"])]
