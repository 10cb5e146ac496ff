"""A sweep or chosen runs as one HTML file that needs neither a network nor this program."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from markupsafe import Markup

import bgen_core
from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.metrics import METRICS, Metric, MetricValue
from bgen_core.records.decision import NOTHING_ASKED, SweepDecision
from bgen_core.records.race import Race
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep import SweepCellRow
from bgen_core.reports.contact_sheet import ContactSheet, SheetCell, contact_sheet
from bgen_core.reports.html_templates import templates_in
from bgen_core.runs.analysis.best import best_of
from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.noise import against_seeds, in_own_units
from bgen_core.runs.attempt_words import attempt_text
from bgen_core.runs.table import FIELDS, RunField, differing_parameters, shown, shown_apart
from bgen_core.store.opinions import Opinion
from bgen_core.store.store import Store
from bgen_core.store.thumbnails import THUMBNAIL_SIDES, thumbnail
from bgen_core.sweep.grid import Grid, describe_place, places_of
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import counted

_PIECE_BYTES = 65_536
_LARGE_SIDE, _SMALL_SIDE = 512, 256
_MOST_LARGE = 400  # more pictures are smaller: so many of 512 pixels are about 20 MB
_MOST_VALUES = 60


@dataclass(frozen=True, kw_only=True)
class _Place:
    """One picture with its place on each of the report's axes."""

    cell: SheetCell
    at: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Page:
    """Pictures under one title: a grid with labels, or else one row of cards."""

    title: str = ""
    grid: bool = False
    corner: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, tuple[_Place | None, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class _ReportAxis:
    """What pictures can be laid out by."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Report:
    """What the template shows.

    Attributes
    ----------
    axes
        What its script can lay pictures out by.
    shown
        Places in it of the axes that it begins with, across and down; -1 for none.
    redrawn
        What is said of cells for which several seeds were tried.
    """

    title: str
    subtitle: str
    pages: tuple[_Page, ...]
    runs: Sequence[RunRecord]
    measured: Mapping[RunId, Mapping[str, MetricValue]]
    opinions: Mapping[RunId, Opinion]
    axes: tuple[_ReportAxis, ...] = ()
    shown: tuple[int, int] = (-1, -1)
    decision: SweepDecision = NOTHING_ASKED
    race: Race | None = None
    redrawn: Sequence[str] = ()

    @property
    def axes_json(self) -> str:
        return _json([{"label": axis.label, "values": axis.values} for axis in self.axes])

    @property
    def badges_json(self) -> str:
        return _json([*(["Rating"] if self._has_ratings else []), *(metric.heading for metric in self.metrics)])

    def badges_of(self, run: RunRecord | None) -> str:
        """The texts that can stand on a picture, in the order of `badges_json`."""
        if run is None:
            return "[]"
        texts = ["★" * self.stars_of(run)] if self._has_ratings else []
        for metric in self.metrics:
            found = self._values[metric.name].get(run.id)
            best = " ★" if run.id in self._best[metric.name] else ""
            texts.append("" if found is None else f"{metric.text(found)}{best}")
        return _json(texts)

    def stars_of(self, run: RunRecord | None) -> int:
        opinion = self.opinions.get(run.id) if run else None
        return (opinion.rating or 0) if opinion else 0

    def words_of(self, place: _Place) -> str:
        """What the filter looks at: the place on each axis, what was typed, and what people said of it."""
        placed = [f"{axis.label} {axis.values[at]}" for axis, at in zip(self.axes, place.at, strict=True)]
        run = place.cell.run
        if run is None:
            return " · ".join([*placed, place.cell.reason])
        opinion = self.opinions.get(run.id, Opinion())
        texts = [run.params.prompt, run.subject_name, run.model, run.short_id, *opinion.tags, opinion.notes]
        return " · ".join([*placed, place.cell.caption, *texts])

    @cached_property
    def _has_ratings(self) -> bool:
        return any(self.stars_of(run) for run in self.runs)

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """Those that have a value for at least one of the runs."""
        known = {name for each in self.measured.values() for name, value in each.items() if value.value is not None}
        return tuple(metric for metric in METRICS if metric.name in known)

    @cached_property
    def same(self) -> list[tuple[str, str]]:
        first = self.runs[:1]
        fields = differing_parameters(self.runs).same
        return [(field.label, field.in_words(run)) for run in first for field in fields if field.name != "versions"]

    @cached_property
    def differing(self) -> tuple[RunField, ...]:
        return tuple(field for field in differing_parameters(self.runs).differing if field.name != "versions")

    @cached_property
    def captions(self) -> dict[RunId, str]:
        """Run -> what tells it from the others."""
        apart = [[f"{field.label} {text}" for text in shown_apart(field, self.runs)] for field in self.differing]
        texts = (" · ".join(each) for each in zip(*apart, strict=True)) if apart else [""] * len(self.runs)
        return {run.id: text for run, text in zip(self.runs, texts, strict=True)}

    @property
    def columns(self) -> list[str]:
        names = ["Run", *(field.label for field in self.differing), *(metric.heading for metric in self.metrics)]
        return [*names, "Made", *(["Rating", "Tags", "Notes"] if self.opinions else [])]

    @property
    def table(self) -> Iterator[tuple[RunId, list[tuple[str, bool]]]]:
        """Run -> its cells as text, each with whether it is the best of its column."""
        apart = [shown_apart(field, self.runs) for field in self.differing]
        for place, run in enumerate(self.runs):
            cells = [(run.short_id, False), *((texts[place], False) for texts in apart)]
            for metric in self.metrics:
                found = self._values[metric.name].get(run.id)
                cells.append(("" if found is None else metric.text(found), run.id in self._best[metric.name]))
            cells.append((shown(run.created), False))
            if self.opinions:
                opinion = self.opinions.get(run.id, Opinion())
                stars = "" if opinion.rating is None else str(opinion.rating)
                cells += [(stars, False), (", ".join(opinion.tags), False), (opinion.notes, False)]
            yield run.id, cells

    @property
    def has_best(self) -> bool:
        return any(self._best.values())

    @property
    def versions(self) -> list[tuple[str, int]]:
        """Libraries with their versions, device and number format -> how many runs were made with them."""
        return Counter(f"{_libraries(run)}; {run.dtype} on {run.device}" for run in self.runs).most_common()

    @cached_property
    def _values(self) -> dict[str, dict[RunId, float | None]]:
        return {
            metric.name: {run: each[metric.name].value for run, each in self.measured.items() if metric.name in each}
            for metric in self.metrics
        }

    @cached_property
    def _best(self) -> dict[str, frozenset[RunId]]:
        import pandas as pd

        made = pd.DataFrame({field.name: [field.read(run) for run in self.runs] for field in FIELDS})
        rows = made.assign(**{name: made["id"].map(values) for name, values in self._values.items()})
        own = [in_own_units(Measure.of(metric), rows) for metric in self.metrics]
        return {
            measure.name: best_of(self._values[measure.name], measure.direction, measure.noise)
            for measure in against_seeds(own, rows, rows)
        }


def html_report(
    store: Store,
    *,
    sweep_id: SweepId | None = None,
    run_ids: Sequence[str] = (),
    across: str | None = None,
    down: str | None = None,
    title: str = "",
    side: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[bytes]:
    """Pieces of the HTML (UTF-8), made as they are asked for: one picture in memory at a time.

    Pictures are embedded as WebP. The file loads nothing, and runs one script that is in it: a policy in its head
    forbids all else, by that script's hash, and all texts are escaped. Without scripts it is the grid as it begins.

    Parameters
    ----------
    sweep_id
        A sweep: its grid as far as it has come, with its axes as labels.
    run_ids
        Instead of a sweep, chosen runs: ids, or the beginnings of ids.
    across, down
        Of a sweep: the axes for columns and rows; None for the ones that a grid begins with.
    title
        Of chosen runs.
    side
        Longest side of the pictures, one of `THUMBNAIL_SIDES`; None for 512, or 256 in a report of more than 400.
    tell
        Gets a sentence for each run whose picture is missing or damaged, as it is met; its place in the page is empty.

    Raises
    ------
    UserInputError
        Neither or both are given, or there is no such sweep, axis or run; raised by the call, not by the first piece.
    """
    if (sweep_id is None) == (not run_ids):
        raise UserInputError("A report is of one sweep or of chosen runs: give either of them.")
    report = _of_sweep(store, sweep_id, across, down) if sweep_id is not None else _of_runs(store, run_ids, title)
    if side is None:
        side = _LARGE_SIDE if len(report.runs) <= _MOST_LARGE else _SMALL_SIDE
    elif side not in THUMBNAIL_SIDES:
        offered = ", ".join(map(str, THUMBNAIL_SIDES))
        raise UserInputError(f"Pictures of a report are {offered} pixels large, not {side}.")

    def picture(run: RunRecord) -> str:
        try:
            return "data:image/webp;base64," + base64.b64encode(thumbnail(store.blobs, run.image, side)).decode()
        except LostPictureError as error:
            if tell:
                tell(f"Picture of run {run.id}: {error}")
            return ""

    template = templates_in(Path(__file__).parent).get_template("report.html")
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    script = (Path(__file__).parent / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    texts = template.generate(
        report=report,
        picture=picture,
        version=bgen_core.__version__,
        made=made,
        script=Markup(script),  # our own file, without a text of anybody's in it
        digest=digest,
    )
    return _pieces(texts)


def _libraries(run: RunRecord) -> str:
    """The libraries that can change a run's pixels, each with its version."""
    return ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))


def _of_sweep(store: Store, sweep_id: SweepId, across: str | None, down: str | None) -> _Report:
    sheet = contact_sheet(store, sweep_id, across=across, down=down)
    plan = SweepPlan.from_json(store.sweeps.get(sweep_id).plan)
    runs = {cell.run.id: cell.run for cell in sheet.cells.values() if cell.run}
    return _Report(
        title=sheet.title,
        subtitle=sheet.about,  # the browser that opens it has fonts of its own
        pages=tuple(_grid_page(plan, sheet, place) for place in range(len(sheet.pages))),
        runs=list(runs.values()),
        measured=store.metrics.of(list(runs)),
        opinions=store.opinions.of(list(runs)),
        axes=tuple(_ReportAxis(label=axis.label, values=axis.labels) for axis in plan.axes),
        shown=_shown_axes(plan, sheet.pages[0][1]),
        decision=store.decisions.of(sweep_id),
        race=store.races.of(sweep_id),
        redrawn=_redrawn(store.sweeps.cells(sweep_id), plan),
    )


def _redrawn(cells: Sequence[SweepCellRow], plan: SweepPlan) -> list[str]:
    """The cells for which several seeds were tried, and what they gave."""
    return [
        f"{describe_place(plan, cell.index)}: {attempt_text(cell, plan.redraw)}"
        for cell in cells
        if len(cell.attempts) > 1
    ]


def _shown_axes(plan: SweepPlan, grid: Grid) -> tuple[int, int]:
    names = [axis.name for axis in plan.axes]
    across, down = (-1 if axis is None else names.index(axis.name) for axis in (grid.across, grid.down))
    return across, down


def _grid_page(plan: SweepPlan, sheet: ContactSheet, place: int) -> _Page:
    title, grid = sheet.pages[place]
    rows = tuple(
        (
            grid.down.labels[y] if grid.down else "",
            tuple(
                _Place(cell=sheet.cells[index], at=places_of(plan, index)) if index in sheet.cells else None
                for index in row
            ),
        )
        for y, row in enumerate(grid.cells)
    )
    return _Page(
        title=title,
        grid=True,
        corner=grid.corner,
        columns=grid.across.labels if grid.across else (),
        rows=rows,
    )


def _of_runs(store: Store, run_ids: Sequence[str], title: str) -> _Report:
    runs = list({run.id: run for run in store.runs.get_all(run_ids)}.values())
    ids = [run.id for run in runs]
    subjects = ", ".join(dict.fromkeys(run.subject_name for run in runs))
    axes = _axes_of_runs(runs)
    places = tuple(
        _Place(cell=SheetCell(run=run), at=tuple(at[place] for _, at in axes)) for place, run in enumerate(runs)
    )
    return _Report(
        title=title or counted(len(runs), "run"),
        subtitle=" · ".join(text for text in (", ".join(dict.fromkeys(run.model for run in runs)), subjects) if text),
        pages=(_Page(rows=(("", places),)),),
        runs=runs,
        measured=store.metrics.of(ids),
        opinions=store.opinions.of(ids),
        axes=tuple(axis for axis, _ in axes),
    )


def _axes_of_runs(runs: Sequence[RunRecord]) -> list[tuple[_ReportAxis, list[int]]]:
    """What chosen runs differ in, as axes with each run's place; not what has a value of its own in most of them."""
    found: list[tuple[_ReportAxis, list[int]]] = []
    for field in differing_parameters(runs).differing:
        texts = shown_apart(field, runs)
        values = dict(zip(texts, (field.read(run) for run in runs), strict=True))
        known = sorted(values, key=lambda text: values[text]) if field.kind == "number" else list(values)
        if field.name != "versions" and len(known) <= _MOST_VALUES:
            axis = _ReportAxis(label=field.label, values=tuple(known))
            found.append((axis, [known.index(text) for text in texts]))
    return found


def _json(value: object) -> str:
    """For an attribute, which the template escapes; a prompt's half of a character stays in JSON's own escapes."""
    return json.dumps(value)


def _pieces(texts: Iterator[str]) -> Iterator[bytes]:
    """The texts in pieces of at least 64 KB, but for the last."""
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        # A prompt can hold half of a character, which is no UTF-8
        waiting.append(text.encode(errors="replace"))
        size += len(waiting[-1])
        if size >= _PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
