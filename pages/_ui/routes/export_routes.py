"""Downloads of any runs: those that an address names, or all that pass its filter, in every form that is offered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response

from bgen_core.archive.run_archive import run_archive
from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.reports.html_report import html_report
from bgen_core.runs.export import CSV_ENCODING, runs_csv, runs_json, runs_parquet
from bgen_core.runs.wide_table import run_table
from bgen_core.store.store import SeenStore
from bgen_core.subject.decoding.image_io import DecodeLimits
from pages._ui.app import resources
from pages._ui.compare.compare_view import CompareView
from pages._ui.compare.rows_in_view import ids_of_query, measured_in_view
from pages._ui.routes.streaming import Endpoint, StoreOf, download, refused

Query = Mapping[str, Sequence[str]]
MOST_IN_REPORT = 1000
_PIECE = 1 << 16
# Ten thousand runs with their metrics take 100 MB while their file is written: only so many at once.
_WRITTEN_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class ExportForm:
    """One kind of file.

    Attributes
    ----------
    suffix
        Of the file's name and of the route.
    label
        What a person reads.
    help
        What is in it, in one sentence.
    media_type
        What the browser is told.
    pieces
        The file's content, made from the store, the runs' ids and the address that named them.
    """

    suffix: str
    label: str
    help: str
    media_type: str
    pieces: Callable[[SeenStore, Sequence[RunId], Query], Iterator[bytes]]


def _csv(store: SeenStore, ids: Sequence[RunId], query: Query) -> Iterator[bytes]:
    runs, metrics, opinions = store.runs.get_all(ids), measured_in_view(store, ids, query), store.opinions.of(ids)
    return _cut(runs_csv(runs, metrics=metrics, opinions=opinions).encode(CSV_ENCODING, "replace"))


def _json(store: SeenStore, ids: Sequence[RunId], query: Query) -> Iterator[bytes]:
    runs, metrics, opinions = store.runs.get_all(ids), measured_in_view(store, ids, query), store.opinions.of(ids)
    return _cut(runs_json(runs, metrics=metrics, opinions=opinions).encode("utf-8", "replace"))


def _parquet(store: SeenStore, ids: Sequence[RunId], query: Query) -> Iterator[bytes]:
    runs, metrics, opinions = store.runs.get_all(ids), measured_in_view(store, ids, query), store.opinions.of(ids)
    return _cut(runs_parquet(runs, metrics=metrics, opinions=opinions))


def _zip(store: SeenStore, ids: Sequence[RunId], query: Query) -> Iterator[bytes]:
    return run_archive(store, ids, limits=DecodeLimits.of_pictures(resources.settings()))


def _report(store: SeenStore, ids: Sequence[RunId], query: Query) -> Iterator[bytes]:
    if len(ids) > MOST_IN_REPORT:
        raise UserInputError(
            f"A report of {len(ids):,} runs is too large to open: choose or filter at most {MOST_IN_REPORT:,}."
        )
    view, side = CompareView.from_query(query), (query.get("side") or [""])[-1]
    pixels = None if not side else int(side) if side.isascii() and side.isdigit() and len(side) < 6 else 0
    if view.sweep and not (view.ids or view.text or view.conditions):
        across, down = ((query.get(name) or [None])[-1] for name in ("x", "y"))
        return html_report(store, sweep_id=SweepId(view.sweep), across=across, down=down, side=pixels)
    return html_report(store, run_ids=ids, side=pixels)


EXPORT_FORMS: tuple[ExportForm, ...] = (
    ExportForm(
        suffix="csv",
        label="CSV",
        help="A table for spreadsheets: parameters, versions, times, metrics and opinions.",
        media_type="text/csv; charset=utf-8",
        pieces=_csv,
    ),
    ExportForm(
        suffix="parquet",
        label="Parquet",
        help="The same table for data frames, with its types.",
        media_type="application/vnd.apache.parquet",
        pieces=_parquet,
    ),
    ExportForm(
        suffix="json",
        label="JSON",
        help="The same as a list of objects, with the reasons of metrics that have no value.",
        media_type="application/json",
        pieces=_json,
    ),
    ExportForm(
        suffix="zip",
        label="ZIP",
        help="All pictures at full size with everything that is known of them; another store can import it.",
        media_type="application/zip",
        pieces=_zip,
    ),
    ExportForm(
        suffix="html",
        label="Report",
        help=(
            "One HTML file with pictures and numbers that opens anywhere without a network, and is arranged and "
            f"filtered there; up to {MOST_IN_REPORT:,} runs."
        ),
        media_type="text/html; charset=utf-8",
        pieces=_report,
    ),
)


def export_endpoint(store_of: StoreOf) -> Endpoint:
    """Answers for every form; the path's `suffix` says which."""
    writing = CapacityLimiter(_WRITTEN_AT_ONCE)
    forms = {form.suffix: form for form in EXPORT_FORMS}

    async def export(request: Request) -> Response:
        form = forms.get(request.path_params["suffix"])
        if form is None:
            return refused(404, f"Runs are not saved in this form: choose {', '.join(forms)}.")

        def begin() -> Iterator[bytes]:
            query = {name: request.query_params.getlist(name) for name in request.query_params}
            store = store_of(request)
            ids = ids_of_query(store, run_table(store), query)
            if not ids:
                raise UserInputError("No run passes this filter: there is nothing to save.")
            return iter(()) if request.method == "HEAD" else form.pieces(store, ids, query)

        return await download(
            request, begin, name="bgen-runs", suffix=form.suffix, media_type=form.media_type, limiter=writing
        )

    return export


def _cut(content: bytes) -> Iterator[bytes]:
    return (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
