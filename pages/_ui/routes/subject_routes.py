"""The library as a download: subjects that an address names, or all of them, as a ZIP that is made while it is sent."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bgen_core.archive.subject_archive import MOST_SUBJECTS, export_subjects
from bgen_core.ids import SubjectId
from bgen_core.subject.decoding.image_io import DecodeLimits
from pages._ui.app import resources
from pages._ui.routes.streaming import StoreOf, download

_PATH = "download/subjects.zip"
_READ_AT_ONCE = 2  # photos: each is in memory as the file that it is


def subjects_url(ids: Sequence[SubjectId] = ()) -> str:
    """Subjects as a download; all that fit into one file where none is named."""
    return f"{_PATH}?{urlencode({'id': ids}, doseq=True)}" if ids else _PATH


def subject_routes(store_of: StoreOf) -> list[Route]:
    """The route that `subjects_url` names."""
    reading = CapacityLimiter(_READ_AT_ONCE)

    async def subjects(request: Request) -> Response:
        def begin() -> Iterator[bytes]:
            store, ids = store_of(request), [SubjectId(text) for text in request.query_params.getlist("id")]
            limits = DecodeLimits.from_settings(resources.settings())
            chosen = ids or [entry.id for entry in store.subjects.all()][:MOST_SUBJECTS]
            return export_subjects(store, chosen, limits=limits)

        return await download(
            request, begin, name="subjects", suffix="zip", media_type="application/zip", limiter=reading
        )

    return [Route(f"/{_PATH}", subjects, methods=["GET"])]
