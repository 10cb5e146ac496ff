"""Sweeps: what they would cost, submitting, stopping, and how far they are."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from bgen_core.api import answers
from bgen_core.api.checked import ProblemError
from bgen_core.api.described import cells_answer, forecast_answer, status_answer, sweep_answer
from bgen_core.api.plans import early_of, plan_of, texts_of
from bgen_core.api.requests import FinishRequest, RetryRequest, ShareRequest, SweepRequest, SweepsQuery
from bgen_core.errors import UserInputError
from bgen_core.ids import SubjectId, SweepId
from bgen_core.jobs.early.kept_runs import early_note
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.jobs.submission import SweepForecast
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import SeenStore
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.explore import STEPS, finish_plan
from bgen_core.sweep.plan import SweepPlan
from pages._ui.routes.api.call import Call, found

_STARTS = "What computes is starting, or starting again: try again in a moment."


def forecast_sweep(call: Call) -> answers.Forecast:
    early, forecast = early_of(call.body), _forecast(call, _plan(call))
    notes = (early_note(call.store, forecast.plan, early),) if early else ()
    return forecast_answer(replace(forecast, notes=(*forecast.notes, *notes)))


def submit_sweep(call: Call) -> answers.SweepStatus:
    asked: SweepRequest = call.body
    early, forecast = early_of(asked), _forecast(call, _plan(call))
    if asked.sharing is None:
        return _status(call, call.executor.submit(forecast, early=early))
    access = replace(call.store.access, sharing=asked.sharing)  # from its beginning, and not a moment later
    adding = SeenStore(call.store, access, call.store.visitor)
    return _status(call, LocalExecutor(adding, call.settings).submit(forecast, early=early))


def finish_sweep(call: Call) -> answers.SweepStatus:
    record, asked = _record(call), _asked_to_finish(call)
    plan = SweepPlan.from_json(record.plan)
    finished = finish_plan(plan, asked.cells, parse_axis(STEPS, ",".join(texts_of(asked.steps))))
    return _status(call, call.executor.submit(_forecast(call, finished), explored=record.id))


def list_sweeps(call: Call) -> answers.Sweeps:
    query: SweepsQuery = call.query
    visitor = call.store.visitor.id
    records = call.store.sweeps.select(
        states=None if query.state is None else [query.state], owner=visitor if query.whose == "mine" else None
    )
    records.sort(key=lambda each: (each.created, each.id), reverse=True)
    part = records[query.offset : query.offset + query.limit]
    return answers.Sweeps(total=len(records), sweeps=[sweep_answer(each, visitor) for each in part])


def read_sweep(call: Call) -> answers.SweepStatus:
    return status_answer(call.store, _record(call))


def read_cells(call: Call) -> answers.Cells:
    return cells_answer(call.store, _record(call))


def pause_sweep(call: Call) -> answers.SweepStatus:
    return _changed(call, call.executor.pause, "paused")


def continue_sweep(call: Call) -> answers.SweepStatus:
    return _changed(call, call.executor.go_on, "continued")


def cancel_sweep(call: Call) -> answers.SweepStatus:
    return _changed(call, call.executor.cancel, "cancelled")


def retry_sweep(call: Call) -> answers.SweepStatus:
    asked: RetryRequest = call.body
    record = _record(call)
    if asked.cell is not None and asked.cell not in {cell.index for cell in call.store.sweeps.cells(record.id)}:
        raise ProblemError(422, f"cell {asked.cell} is not allowed: the sweep has none of this number.", field="cell")
    return _changed(
        call, lambda sweep_id: call.executor.retry(sweep_id, asked.cell, stopped=asked.stopped), "tried again"
    )


def share_sweep(call: Call) -> answers.SweepStatus:
    asked: ShareRequest = call.body
    record = _record(call)
    call.store.sweeps.share(record.id, asked.sharing)
    return _status(call, record.id)


def _asked_to_finish(call: Call) -> FinishRequest:
    return call.body


def _plan(call: Call) -> SweepPlan:
    asked: SweepRequest = call.body
    subjects: dict[SubjectId, str] = {}
    for subject_id in map(SubjectId, texts_of(asked.subject)):
        try:
            entry = call.store.subjects.get(subject_id)
        except UserInputError as error:
            raise ProblemError(422, error.public, field="subject") from error
        subjects[entry.id] = entry.name
    return plan_of(asked, subjects, call.settings)


def _forecast(call: Call, plan: SweepPlan) -> SweepForecast:
    photos = {subject_id: call.store.subjects.get(subject_id).extent for subject_id in plan.subject_ids}
    forecast = call.executor.forecast(plan, photos=photos)
    if forecast is None:
        raise ProblemError(503, _STARTS, headers={"Retry-After": "10"})
    return forecast


def _record(call: Call) -> SweepRecord:
    return found(lambda: call.store.sweeps.get(call.sweep_id))


def _status(call: Call, sweep_id: SweepId) -> answers.SweepStatus:
    return status_answer(call.store, call.store.sweeps.get(sweep_id))


def _changed(call: Call, change: Callable[[SweepId], bool], done: str) -> answers.SweepStatus:
    record = _record(call)
    if not change(record.id):
        now = call.store.sweeps.get(record.id)
        raise ProblemError(409, f"This sweep cannot be {done}: it is {now.state} at {datetime.now(UTC):%H:%M:%S} UTC.")
    return _status(call, record.id)
