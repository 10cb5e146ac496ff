"""Runs: one, many, what is thought of them, and who asks."""

from bgen_core.api import answers
from bgen_core.api.checked import ProblemError
from bgen_core.api.described import run_answers
from bgen_core.api.requests import ExportQuery, OpinionChange, RunsQuery
from bgen_core.ids import RunId, SweepId
from bgen_core.limits import check_text
from bgen_core.models.default_model import default_model
from bgen_core.records.run import RunRecord
from bgen_core.store.store import SeenStore
from pages._ui.app import resources
from pages._ui.routes.api.call import Call, found


def me(call: Call) -> answers.Me:
    visitor = call.store.visitor
    return answers.Me(id=visitor.id, name=visitor.name, role=visitor.role)


def models(call: Call) -> answers.Models:
    return answers.Models(default=default_model(call.settings), offered=list(resources.allowed().offered()))


def list_runs(call: Call) -> answers.Runs:
    from pages._ui.compare.rows_in_view import measured_in_view  # takes pandas along

    query: RunsQuery = call.query
    ids = chosen_ids(call, query)
    asked = ids[query.offset : query.offset + query.limit]
    runs, measured = call.store.runs.get_all(asked), measured_in_view(call.store, asked, query.address)
    return answers.Runs(total=len(ids), runs=run_answers(call.store, runs, measured))


def chosen_ids(call: Call, query: ExportQuery) -> list[RunId]:
    """The runs that a query means; see `checked_address`."""
    # Both take pandas along, for which the server's start would wait.
    from bgen_core.runs.wide_table import run_table
    from pages._ui.compare.rows_in_view import ids_of_query

    address = checked_address(call.store, query)
    return ids_of_query(call.store, run_table(call.store), address)


def checked_address(store: SeenStore, query: ExportQuery) -> dict[str, list[str]]:
    """A query as the compare page's address has it.

    Raises
    ------
    ProblemError
        404 where it names a run or a sweep that is not there, 400 where a value of it means nothing.
    """
    from pages._ui.compare.compare_view import CompareView, unread_conditions, unread_values

    address = query.address
    for sentence in (*unread_conditions(address), *unread_values(address)):
        raise ProblemError(400, sentence)
    if query.sweep:
        found(lambda: store.sweeps.get(SweepId(query.sweep)))
    view = CompareView.from_query(address)
    found(lambda: store.runs.get_all([*view.ids, *([view.like] if view.like else [])]))
    return address


def read_run(call: Call) -> answers.Run:
    return run_answers(call.store, [_record(call)])[0]


def change_opinion(call: Call) -> answers.Run:
    change: OpinionChange = call.body
    run = _record(call)
    if not change.model_fields_set:
        raise ProblemError(422, "Nothing is said of the run: send rating, notes or tags.")
    opinions = call.store.opinions
    check_text("The note", change.notes)
    if "tags" in change.model_fields_set:  # first, since these may be refused: then nothing is changed
        opinions.tag(run.id, change.tags)
    if "rating" in change.model_fields_set:
        opinions.rate(run.id, change.rating)
    if "notes" in change.model_fields_set:
        opinions.note(run.id, change.notes)
    return run_answers(call.store, [run])[0]


def _record(call: Call) -> RunRecord:
    return found(lambda: call.store.runs.get(call.run_id))
