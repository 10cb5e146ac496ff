"""Sweeps and blind votes in a ZIP: written beside the runs of their grids, and checked before they are taken."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Literal

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from bgen_core.archive.archived_attempts import archived_attempts, attempt_rows, check_attempts, number_of
from bgen_core.archive.archived_early import archived_early, checked_early, early_wish, mark_stopped
from bgen_core.archive.archived_races import archived_race, checked_race, race_of
from bgen_core.archive.manifest import (
    MOST_PLACES,
    ArchivedAttempt,
    ArchivedDecision,
    ArchivedEarly,
    ArchivedRace,
    ArchivedSweep,
    ArchivedVote,
)
from bgen_core.content_address import is_content_hash
from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.limits import ImpossibleTextError, check_text
from bgen_core.parameters import PARAMETERS
from bgen_core.records.decision import SweepDecision
from bgen_core.records.foreign_run import shortened
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import UNFINISHED_STATES, SweepState
from bgen_core.store.access import Access
from bgen_core.store.people.races import add_race_rows
from bgen_core.store.schema import CellRow, DecisionRow, SweepRow, VoteRow
from bgen_core.store.store import Store
from bgen_core.store.sweep_rows import add_sweep_row
from bgen_core.sweep.family_rules import could_be_settled
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import quoted

MOST_PLACES_TOGETHER = 2 * MOST_PLACES
_VoteKey = tuple[str, frozenset[RunId], bool]
_CUT_SHORT = "It was exported before it was finished."


@dataclass(frozen=True, kw_only=True)
class CheckedSweep:
    """A sweep that may be taken: index of each cell -> its run, votes on runs of its grid that are in the ZIP, what
    was decided, by people and in its race, the seeds that were tried, and the cells that were stopped early.
    """

    record: SweepRecord
    cells: Mapping[int, RunId]
    votes: Sequence[ArchivedVote]
    decision: ArchivedDecision | None
    race: ArchivedRace | None
    attempts: dict[int, list[ArchivedAttempt]]
    early: ArchivedEarly | None


@dataclass(frozen=True, kw_only=True)
class TakenSweeps:
    """Ids of the sweeps that are new, and how many votes are."""

    added: tuple[SweepId, ...] = ()
    votes: int = 0


def archived_sweeps(store: Store, run_ids: Sequence[RunId], *, also: SweepId | None = None) -> list[ArchivedSweep]:
    """The sweeps in whose grids these runs stand, and the votes between two of these runs; the oldest first.

    Parameters
    ----------
    also
        A sweep that is there in any case, even if none of its cells is made.
    """
    present = set(run_ids)
    found = {sweep.id: sweep for sweep in reversed(store.sweeps.of_runs(run_ids))}
    if also:
        found.setdefault(also, store.sweeps.get(also))
    return [_archived(store, sweep, present) for sweep in found.values()]


def _archived(store: Store, sweep: SweepRecord, present: Collection[str]) -> ArchivedSweep:
    cut_short, cells = sweep.state in UNFINISHED_STATES, store.sweeps.cells(sweep.id)
    return ArchivedSweep(
        id=sweep.id,
        owner=sweep.owner,
        created=sweep.created,
        finished=sweep.finished,
        state=_ended(sweep.state),
        title=sweep.title,
        message=_CUT_SHORT if cut_short else sweep.message,
        plan=sweep.plan,
        explored=sweep.explored,
        expected_seconds=sweep.expected_seconds,
        cells=[cell.run_id for cell in cells],
        votes=[
            ArchivedVote(
                voter=vote.voter,
                run_a=vote.run_a,
                run_b=vote.run_b,
                winner=vote.winner,
                drawn=vote.drawn,
                created=vote.created,
            )
            for vote in store.opinions.votes_of(sweep.id)
            if vote.run_a in present and vote.run_b in present
        ],
        decision=_archived_decision(store.decisions.of(sweep.id)),
        race=archived_race(store.races.of(sweep.id)),
        attempts=archived_attempts(cells),
        early=archived_early(sweep, cells),
    )  # fmt: skip


def _archived_decision(decision: SweepDecision) -> ArchivedDecision | None:
    return None if decision.is_empty else ArchivedDecision(**asdict(decision))


def _ended(state: SweepState) -> Literal["done", "cancelled", "failed"]:
    """Nobody works on it in another store: what was under way counts as cancelled there."""
    return state if state in ("done", "failed") else "cancelled"


def check_sweeps(
    described: Sequence[ArchivedSweep], runs: Mapping[RunId, RunRecord], left_out: list[str]
) -> list[CheckedSweep]:
    """The sweeps of a ZIP, each once.

    Parameters
    ----------
    runs
        Id -> run, of those that the ZIP holds.
    left_out
        Gets a sentence for each sweep with a text that no store holds.

    Raises
    ------
    UserInputError
        A plan cannot be, is too large, does not fit its cells, or says otherwise than the runs in its places.
    """
    checked: dict[str, CheckedSweep] = {}
    places = 0
    for sweep in described:
        try:
            checked[sweep.id] = found = check_sweep(sweep, runs)
            places += SweepPlan.from_json(found.record.plan).places
            if places > MOST_PLACES_TOGETHER:
                raise UserInputError(f"with it there are over {MOST_PLACES_TOGETHER:,} places in grids")
        except ImpossibleTextError as error:
            left_out.append(f"Sweep {quoted(sweep.title, 60)} ({sweep.id}): {shortened(str(error))}")
        except UserInputError as error:
            raise UserInputError(
                f"the sweep {sweep.id} in it cannot be: {shortened(str(error).rstrip('.'))}"
            ) from error
    return list(checked.values())


def check_sweep(sweep: ArchivedSweep, runs: Mapping[RunId, RunRecord]) -> CheckedSweep:
    """One of them; see `check_sweeps`. A text that cannot be held is an ImpossibleTextError."""
    check_text("Its title", sweep.title)
    check_text("Its message", sweep.message)
    plan = _plan(sweep)
    cells = _cells(sweep, plan, runs)
    early = checked_early(sweep.early, cells.keys())
    record = SweepRecord(
        id=sweep.id,
        owner=sweep.owner,
        created=sweep.created,
        finished=sweep.finished,
        state=sweep.state,
        title=sweep.title,
        message=sweep.message,
        plan=plan.to_json(),
        subject_id=plan.subject_ids[0],
        total=len(cells),
        expected_seconds=sweep.expected_seconds,
        explored=sweep.explored,
        early=early_wish(early),
        early_note=early.note if early else "",
    )
    return CheckedSweep(
        record=record,
        cells=cells,
        votes=_votes(sweep, set(cells.values()) & runs.keys()),
        decision=_checked_decision(sweep.decision),
        race=checked_race(sweep.race, plan),
        attempts=sweep.attempts,
        early=early,
    )


def _checked_decision(decision: ArchivedDecision | None) -> ArchivedDecision | None:
    if decision is not None:
        for what, text in (("question", decision.question), ("decision", decision.decision)):
            check_text(f"Its {what}", text)
        check_text("Its evidence", decision.evidence)
    return decision


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[SweepPlan]:
    return TypeAdapter(SweepPlan)


def _plan(sweep: ArchivedSweep) -> SweepPlan:
    try:
        written = json.dumps(sweep.plan, ensure_ascii=False, allow_nan=False)
        check_text("Its plan", written, len(written))
        plan = _adapter().validate_json(written)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UserInputError(f"{'.'.join(map(str, first['loc'])) or 'plan'}: {first['msg']}") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UserInputError(f"its plan cannot be read ({error})") from error
    texts = [plan.model, *(getattr(plan.base, each.field) for each in PARAMETERS if not each.is_numeric)]
    for axis in (each for whole in plan.axes for each in whole.together):
        if any(each.paired for each in axis.paired):
            raise UserInputError(f"{axis.name} is paired with axes that are paired themselves")
        numeric = axis.kind.parameter is not None and axis.kind.parameter.is_numeric
        if any(isinstance(value, str) == numeric for value in axis.values):
            raise UserInputError(f"{axis.name} has values of another kind")
        texts += [*map(str, axis.values), *axis.names]
    for text in texts:
        check_text("A text in its plan", text)
    if plan.places > MOST_PLACES:
        raise UserInputError(f"its grid has over {MOST_PLACES:,} places")
    if not all(map(is_content_hash, plan.subject_ids)):
        raise UserInputError("a subject's address is not allowed")
    if plan.only is not None and list(plan.only) != sorted(set(plan.only)):
        raise UserInputError("its places are not in order")
    return plan


def _cells(sweep: ArchivedSweep, plan: SweepPlan, runs: Mapping[RunId, RunRecord]) -> dict[int, RunId]:
    if len(sweep.cells) != len(plan) or not sweep.cells:
        raise UserInputError(f"{len(sweep.cells):,} cells are named, and its plan has {len(plan):,}")
    cells: dict[int, RunId] = {}
    for cell, run_id in zip(plan.cells(), sweep.cells, strict=True):
        run = runs.get(run_id)
        tried = cell.at_attempt(number_of(sweep, cell.index, run_id))
        if run is not None and not (run.subject_id == cell.subject_id and could_be_settled(tried.params, run.params)):
            raise UserInputError(f"the run {run.short_id} does not belong into its place {cell.index}")
        cells[cell.index] = run_id
    check_attempts(sweep, plan, cells)
    return cells


def _votes(sweep: ArchivedSweep, own: Collection[str]) -> list[ArchivedVote]:
    """Votes on two runs of the grid that are in the ZIP; of one voter on the same two, the last vote and repeat."""
    kept: dict[_VoteKey, ArchivedVote] = {}
    for vote in sweep.votes:
        if vote.run_a != vote.run_b and {vote.run_a, vote.run_b} <= set(own):
            kept[_vote_key(vote)] = vote
    return list(kept.values())


def _vote_key(vote: ArchivedVote | VoteRow) -> _VoteKey:
    """What a voter says once: see `Opinions.add_vote`."""
    return vote.voter, frozenset((vote.run_a, vote.run_b)), vote.drawn == "repeat"


def add_sweeps(session: Session, sweeps: Sequence[CheckedSweep], access: Access) -> TakenSweeps:
    """Write the rows of sweeps that are not there, and of votes that nobody has given here.

    A sweep that is there stays as it is, and whoever may not change it adds no votes to it; a voter's vote here on the
    same two runs stands.
    """
    added: list[SweepId] = []
    votes = 0
    for sweep in sweeps:
        sweep_id = sweep.record.id
        there = session.get(SweepRow, sweep_id)
        if there is None:
            record = replace(sweep.record, owner=access.owner(), sharing=access.sharing)
            add_sweep_row(session, record, sweep.cells, access, is_imported=True)
            if sweep.decision is not None:
                session.add(DecisionRow(sweep_id=sweep_id, **sweep.decision.model_dump()))
            if sweep.race is not None:
                add_race_rows(session, race_of(sweep_id, sweep.race))
            session.add_all(attempt_rows(sweep_id, sweep.attempts))
            mark_stopped(session, sweep_id, sweep.early)
            added.append(sweep_id)
        elif not access.may_change([there.owner]) or _cells_here(session, sweep_id) != sweep.cells:
            continue  # somebody else's, or another sweep of the same name
        given = {_vote_key(row) for row in session.scalars(sa.select(VoteRow).where(VoteRow.sweep_id == sweep_id))}
        new = [vote for vote in sweep.votes if _vote_key(vote) not in given]
        session.add_all([VoteRow(sweep_id=sweep_id, **vote.model_dump()) for vote in new])
        votes += len(new)
    return TakenSweeps(added=tuple(added), votes=votes)


def _cells_here(session: Session, sweep_id: SweepId) -> dict[int, RunId]:
    rows = session.execute(sa.select(CellRow.cell_index, CellRow.run_id).where(CellRow.sweep_id == sweep_id))
    return {row.cell_index: row.run_id for row in rows}
