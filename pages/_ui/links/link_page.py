"""What a read-only link shows: pictures first, then what the sweep says, a blind ballot, and the verdict so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from bgen_core.ids import RunId, SweepId
from bgen_core.records.decision import NOTHING_ASKED, SweepDecision
from bgen_core.records.link import Link
from bgen_core.records.png_text import parameters_text
from bgen_core.records.run import RunRecord
from bgen_core.runs.analysis.ballot import BallotPair, VotedCells, next_pair
from bgen_core.runs.analysis.columns import AxisColumn
from bgen_core.runs.analysis.effects import axis_effect
from bgen_core.runs.analysis.overview import overview
from bgen_core.runs.analysis.votes import axis_votes
from bgen_core.runs.short_texts import short_texts
from bgen_core.runs.table import FIELDS
from bgen_core.runs.wide_table import run_table
from bgen_core.store.opinions import Vote
from bgen_core.store.people.links import MOST_PICTURES
from bgen_core.store.store import SeenStore
from bgen_core.wording import counted
from pages._ui.compare.sweep_findings.overview_table import is_sure
from pages._ui.compare.sweep_findings.sweep_frame import sweep_frame
from pages._ui.shared.measures import measures_in

_MOST_SENTENCES = 4
_LONGEST_VALUE = 40  # letters
_PICTURE = AxisColumn(name="picture", label="Picture")


@dataclass(frozen=True, kw_only=True)
class ShownPicture:
    """One picture: its letter, what tells it from the others, and its settings as A1111 writes them."""

    run: RunRecord
    letter: str
    caption: str
    settings: str


@dataclass(frozen=True, kw_only=True)
class LinkPage:
    """What stands on the page.

    Attributes
    ----------
    left_out
        How many pictures are not shown, since there are too many.
    pair
        The next two pictures for this voter; None where there is nothing to vote, or nothing left. While there is one,
        the page keeps the pictures' settings to itself: the ballot is blind.
    tally
        The verdict so far, for who has voted; empty before.
    decision
        The sweep's own question and decision, where the link has none.
    is_yet_to_be_made
        Whether it shows a whole sweep of which no cell is done.
    """

    pictures: tuple[ShownPicture, ...]
    left_out: int
    sentences: tuple[str, ...]
    pair: BallotPair | None
    tally: str
    decision: SweepDecision = NOTHING_ASKED
    is_yet_to_be_made: bool = False


def link_page(store: SeenStore, link: Link, *, only_look: bool = False) -> LinkPage:
    """What a link shows to whoever looks through this door; who only looks is asked for no vote."""
    runs, left_out = _runs(store, link)
    letters = dict(zip((run.id for run in runs), _letters(len(runs)), strict=True))
    pictures = tuple(
        ShownPicture(run=run, letter=letters[run.id], caption=caption, settings=parameters_text(run))
        for run, caption in zip(runs, _captions(runs), strict=True)
    )
    pair, tally = _ballot(store, link, letters) if link.may_vote else (None, "")
    return LinkPage(
        pictures=pictures,
        left_out=left_out,
        sentences=_sentences(store, link),
        pair=None if only_look else pair,
        tally=tally,
        decision=NOTHING_ASKED if link.sweep_id is None else store.decisions.of(link.sweep_id),
        is_yet_to_be_made=not (runs or link.run_ids) and not _done(store, link),
    )


def _runs(store: SeenStore, link: Link) -> tuple[list[RunRecord], int]:
    """The pictures in the order that was chosen, or the grid's."""
    wanted: Sequence[RunId] = link.run_ids
    if link.sweep_id is not None and not wanted:
        wanted = _done(store, link)
    there = store.runs.visible(wanted)  # what was deleted since is not shown
    kept = [run_id for run_id in wanted if run_id in there]
    return store.runs.get_all(kept[:MOST_PICTURES]), max(0, len(kept) - MOST_PICTURES)


def _done(store: SeenStore, link: Link) -> list[RunId]:
    """What was made of the link's sweep, each once."""
    cells = store.sweeps.cells(link.sweep_id) if link.sweep_id is not None else []
    return list(dict.fromkeys(cell.run_id for cell in cells if cell.done))


def _letters(count: int) -> list[str]:
    once = list(ascii_uppercase)
    return [*once, *(f"{first}{second}" for first in once for second in once)][:count]


def _captions(runs: Sequence[RunRecord]) -> list[str]:
    """What differs between the pictures, each as "steps 20 · seed 7"."""
    makers = [field for field in FIELDS if field.makes_the_picture]
    told: list[list[str]] = [[] for _ in runs]
    for field in makers:
        words = [str(field.in_words(run)) for run in runs]
        if len(set(words)) > 1:
            for place, word in enumerate(short_texts(words, _LONGEST_VALUE)):
                told[place].append(f"{field.label.lower()} {word}")
    return [" · ".join(parts) for parts in told]


def _sentences(store: SeenStore, link: Link) -> tuple[str, ...]:
    """What the sweep says beyond noise, the measures by their rank; one sentence where it says nothing.

    Nothing of chosen pictures: they are no sample of what was tried, and the others' measures are not theirs to tell.
    """
    if link.sweep_id is None or (link.run_ids and not _is_whole(store, link.sweep_id, link.run_ids)):
        return ()
    frame = sweep_frame(run_table(store, metrics_age=60), store, store.sweeps.get(link.sweep_id))
    if len(frame.cells) < 2 or not frame.axes:
        return ()
    measures = measures_in(frame.cells)
    moves = overview(frame.cells, frame.axes, measures, lacks_losers=frame.lacks_losers)
    found: list[str] = []
    for measure in measures:
        for axis in frame.axes:
            effect = axis_effect(frame.cells, axis, measure, axes=frame.axes)
            if effect.is_clear and is_sure(moves, axis.name, measure.name):
                found.append(effect.sentence)
    if not found and moves and not frame.lacks_losers:
        found.append("No measure differs clearly between the values that were tried.")
    return (*frame.lost, *found[:_MOST_SENTENCES])


def _is_whole(store: SeenStore, sweep_id: SweepId, chosen: Sequence[RunId]) -> bool:
    return {cell.run_id for cell in store.sweeps.cells(sweep_id)} <= set(chosen)


def _ballot(store: SeenStore, link: Link, letters: dict[RunId, str]) -> tuple[BallotPair | None, str]:
    if link.sweep_id is None or len(letters) < 2:
        return None, ""
    votes = [
        vote for vote in store.opinions.votes_of(link.sweep_id) if vote.run_a in letters and vote.run_b in letters
    ]  # fmt: skip
    cells = VotedCells(values=letters, contexts=dict.fromkeys(letters, 0), seeds=None)
    voter = store.visitor.id
    pair = next_pair(cells, axis=_PICTURE, votes=votes, voter=voter)
    has_voted = any(vote.voter == voter for vote in votes)
    return pair, _tally(votes, letters) if has_voted or pair is None else ""


def _tally(votes: Sequence[Vote], letters: dict[RunId, str]) -> str:
    said = axis_votes(votes, letters, _PICTURE)
    voters = len({vote.voter for vote in votes})
    counts = f"{counted(said.votes, 'vote')} by {counted(voters, 'voter')}."
    return f"{said.sentence} {counts} {said.remark.text if said.remark else ''}".strip()
