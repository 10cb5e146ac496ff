"""Records of the store as the API answers them."""

from collections.abc import Mapping
from typing import Any

from bgen_core.api import answers
from bgen_core.ids import RunId, VisitorId
from bgen_core.jobs.queue_forecast import waiting_sweeps
from bgen_core.jobs.racing.looks import left_in, proposal
from bgen_core.jobs.submission import SweepForecast
from bgen_core.metrics import MetricValue
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.runs.links import picture_url, run_url, sweep_url, thumbnail_url
from bgen_core.store.opinions import Opinion
from bgen_core.store.store import SeenStore
from bgen_core.store.subjects import SubjectEntry
from bgen_core.sweep.plan import SweepPlan

_NO_OPINION = Opinion()


def subject_answer(entry: SubjectEntry) -> answers.Subject:
    """A saved subject."""
    return answers.Subject(**_subject(entry))


def saved_answer(entry: SubjectEntry, notes: list[str]) -> answers.SubjectSaved:
    """A subject that was saved just now."""
    return answers.SubjectSaved(**_subject(entry), notes=notes)


def forecast_answer(forecast: SweepForecast) -> answers.Forecast:
    """What a plan will cost."""
    return answers.Forecast(
        cells=len(forecast.run_ids),
        known=forecast.known,
        to_make=forecast.to_make,
        to_paint=forecast.to_paint,
        seconds=forecast.seconds,
        notes=list(forecast.notes),
        plan=forecast.plan.to_json(),
    )


def sweep_answer(record: SweepRecord, visitor: VisitorId) -> answers.Sweep:
    """A sweep as its row tells it."""
    return answers.Sweep(**_sweep(record, visitor))


def status_answer(store: SeenStore, record: SweepRecord) -> answers.SweepStatus:
    """A sweep and how far it is."""
    cells = store.sweeps.cells(record.id)
    waiting = waiting_sweeps(store) if record.state == "queued" else []
    place = next((each for each in waiting if each.sweep.id == record.id), None)
    return answers.SweepStatus(
        **_sweep(record, store.visitor.id),
        made=sum(cell.is_final for cell in cells),
        failed=sum(has_failed(cell) for cell in cells),
        stopped=sum(cell.is_stopped for cell in cells),
        race=_race(store, record),
        early=_early(record),
        ahead=place.ahead if place else None,
        seconds_to_begin=place.seconds if place else None,
        plan=record.plan,
    )


def has_failed(cell: SweepCellRow) -> bool:
    """Whether the last attempt at a cell failed, and none made it since."""
    return cell.has_failed


def cells_answer(store: SeenStore, record: SweepRecord) -> answers.Cells:
    """The cells of a sweep."""
    planned = SweepPlan.from_json(record.plan).cells()
    rows = store.sweeps.cells(record.id)
    return answers.Cells(
        sweep=record.id,
        cells=[
            answers.Cell(
                index=row.index,
                run=row.run_id,
                made=row.done,
                final=row.is_final,
                attempts=[answers.Attempt(run=each.run_id, expansion=each.expansion) for each in row.attempts],
                error=row.error if has_failed(row) else None,
                stopped_early=row.error if row.is_stopped else None,
                model=cell.model,
                subject=cell.subject_id,
                params=cell.at_attempt(row.attempt).params.to_json(),
            )
            for cell, row in zip(planned, rows, strict=True)
        ],
    )


def run_answers(
    store: SeenStore, runs: list[RunRecord], measured: Mapping[RunId, Mapping[str, MetricValue]] | None = None
) -> list[answers.Run]:
    """Runs with what was measured and written of them.

    Parameters
    ----------
    measured
        What is told of their measures; None for what is kept.
    """
    ids = [run.id for run in runs]
    metrics: Mapping[RunId, Mapping[str, MetricValue]] = store.metrics.of(ids) if measured is None else measured
    opinions = store.opinions.of(ids)
    return [_run(run, metrics.get(run.id, {}), opinions.get(run.id, _NO_OPINION)) for run in runs]


def _race(store: SeenStore, record: SweepRecord) -> answers.Race | None:
    race = store.races.of(record.id)
    if race is None:
        return None
    plan = SweepPlan.from_json(record.plan)
    return answers.Race(
        axis=race.axis,
        by=race.by,
        budget=race.budget,
        added=max(0, len(plan) - race.begun_with),
        state=race.state,
        left=left_in(race, plan),
        started_from=race.started_from,
        steps=[
            answers.RaceStep(kind=step.kind, text=step.text, value=step.value, created=step.created)
            for step in race.steps
        ],
        proposed=[] if race.is_open else [value for _, new in [proposal(store, race, plan)] for value in new],
    )


def _early(record: SweepRecord) -> answers.EarlyStopping | None:
    wish = record.early
    return wish and answers.EarlyStopping(by=wish.by, stops=wish.stops, note=record.early_note)


def _subject(entry: SubjectEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "created": entry.created,
        "width": entry.extent.width,
        "height": entry.extent.height,
        "photo": picture_url(entry.photo),
        "alpha": picture_url(entry.alpha),
    }


def _sweep(record: SweepRecord, visitor: VisitorId) -> dict[str, Any]:
    return {
        "id": record.id,
        "is_mine": record.owner == visitor,
        "title": record.title,
        "sharing": record.sharing,
        "state": record.state,
        "message": record.message,
        "cells": record.total,
        "created": record.created,
        "started": record.started,
        "finished": record.finished,
        "expected_seconds": record.expected_seconds,
        "explored": record.explored,
        "page": sweep_url(record.id),
    }


def _run(run: RunRecord, metrics: Mapping[str, MetricValue], opinion: Opinion) -> answers.Run:
    return answers.Run(
        id=run.id,
        created=run.created,
        subject=run.subject_id,
        subject_name=run.subject_name,
        model=run.model,
        model_revision=run.model_revision,
        params=run.params.to_json(),
        width=run.extent.width,
        height=run.extent.height,
        model_width=run.model_extent.width,
        model_height=run.model_extent.height,
        device=run.device,
        dtype=run.dtype,
        versions=run.versions,
        made_on=run.to_json()["made_on"],
        seconds=run.seconds,
        peak_memory_mb=run.peak_memory_mb,
        picture=picture_url(run.image),
        raw_picture=picture_url(run.raw),
        thumbnail=thumbnail_url(run.image, 512),
        page=run_url(run.id),
        metrics={
            each.name: answers.Measured(value=each.value, reason=each.reason, version=each.version)
            for each in metrics.values()
        },
        rating=opinion.rating,
        mean_rating=opinion.mean_rating,
        raters=opinion.raters,
        notes=opinion.notes,
        tags=list(opinion.tags),
    )
