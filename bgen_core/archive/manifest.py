"""What a ZIP of runs holds, so that another store can take it: names, the list of contents, and its limits.

pictures/….png          the finished pictures at full size, under names that say what they are
raw/<hash>.png          what the model made, before the subject was put back
subjects/<hash>.png     photos and masks
references/<hash>.png   reference pictures of runs and of sweeps' plans
subjects/<id>.json      how a mask was made: settings and strokes
runs.csv                the table, for people and spreadsheets
bgen-runs.json          the list of contents, from which `runs import` reads: runs with measures and opinions,
                        subjects, and the sweeps of the runs with the votes on them
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from bgen_core.ids import BlobHash, RunId, SubjectId, SweepId, VisitorId
from bgen_core.limits import FIRST_YEAR, LAST_YEAR, LONGEST_OWNER, MOST_TAGS
from bgen_core.records.race import RaceEnd, StepKind
from bgen_core.store.opinions import Drawn, Winner
from bgen_core.sweep.seeds.redraw import MOST_ATTEMPTS

FORMAT = "bgen-runs"
VERSION = 2  # 2 added sweeps and votes; a ZIP of version 1 holds none
MANIFEST = "bgen-runs.json"
TABLE = "runs.csv"
NOT_INCLUDED = "not-included.txt"
MOST_PLACES = 1_000_000  # of one sweep's grid
MOST_VOTES = 1_000_000  # on one sweep

_HASH = StringConstraints(pattern=r"^[0-9a-f]{64}\z")
_RunId = Annotated[RunId, _HASH]
_SubjectId = Annotated[SubjectId, _HASH]
_BlobHash = Annotated[BlobHash, _HASH]
_File = Annotated[str, StringConstraints(min_length=1, max_length=300)]


def _without_zero_byte(text: str) -> str:
    if "\0" in text:
        raise ValueError("a zero byte is not allowed")
    return text


# Of any length here: what is longer than a store keeps is left out by itself, and the rest is taken.
_Text = str


def _in_utc(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("no such time is allowed")
    return moment.astimezone(UTC)


_Finite = Annotated[float, Field(allow_inf_nan=False)]
# A sweep's id is the name of its lock too.
_SweepId = Annotated[SweepId, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}\z")]
_Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
_Person = Annotated[VisitorId, StringConstraints(max_length=LONGEST_OWNER), AfterValidator(_without_zero_byte)]


class _Part(BaseModel):
    # What a later version adds is left out; a number in quotes is no number.
    model_config = ConfigDict(extra="ignore", frozen=True)


class ArchivedMetric(_Part):
    """One measured property; see `MetricValue`."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}\z")]
    value: _Finite | None
    reason: _Text
    version: Annotated[int, Field(ge=0, le=10**6)]


class ArchivedRun(_Part):
    """One run: `record` as `RunRecord.to_json` writes it, where its pictures lie in the ZIP, and what belongs to it."""

    record: dict[str, Any]
    image_file: _File
    raw_file: _File
    metrics: list[ArchivedMetric] = Field(default=[], max_length=1000)
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    notes: _Text = ""
    tags: list[_Text] = Field(default=[], max_length=MOST_TAGS)


class ArchivedSubject(_Part):
    """One subject: content addresses of its pictures, and where they and its edit lie in the ZIP."""

    id: _SubjectId
    name: _Text
    created: _Moment
    photo: _BlobHash
    photo_file: _File
    alpha: _BlobHash
    alpha_file: _File
    edit_file: _File


class ArchivedReference(_Part):
    """One reference picture: its content address, and where it lies in the ZIP."""

    picture: _BlobHash
    file: _File


class ArchivedVote(_Part):
    """One blind vote on two runs that are in the ZIP; see `Vote`."""

    voter: _Person
    run_a: _RunId
    run_b: _RunId
    winner: Winner
    drawn: Drawn = ""
    created: _Moment


class ArchivedDecision(_Part):
    """A sweep's question and decision; see `SweepDecision`."""

    question: _Text = ""
    decision: _Text = ""
    evidence: _Text = ""
    decided_by: _Person
    decided: _Moment | None = None


class ArchivedRaceStep(_Part):
    """One decision of a race; see `RaceStep`."""

    kind: StepKind
    text: _Text
    value: Annotated[int, Field(ge=0, le=MOST_PLACES)] | None = None
    created: _Moment


class ArchivedRace(_Part):
    """A race that added cells to a sweep; see `Race`. It has ended in another store."""

    started_from: _SweepId | None = None
    axis: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}\z")]
    by: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}\z")]
    budget: Annotated[int, Field(ge=0, le=10**6)]
    begun_with: Annotated[int, Field(ge=0, le=10**6)]
    state: RaceEnd
    steps: list[ArchivedRaceStep] = Field(max_length=MOST_PLACES)


class ArchivedAttempt(_Part):
    """One seed that was tried for a cell; see `CellAttempt`."""

    run: _RunId
    expansion: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class ArchivedEarly(_Part):
    """What a sweep's previews were measured for, what was said of it, and which cells were stopped early, and why."""

    by: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}\z")]
    stops: bool
    note: _Text = ""
    stopped: dict[int, _Text] = Field(default={}, max_length=MOST_PLACES)


class ArchivedSweep(_Part):
    """One sweep: `plan` as `SweepPlan.to_json` writes it, and the run of each of its cells by rising index.

    All cells are named, also those whose runs are not in the ZIP: they are gaps in the grid, which going on fills.
    """

    id: _SweepId
    owner: _Person
    created: _Moment
    finished: _Moment | None = None
    state: Literal["done", "cancelled", "failed"]
    title: _Text
    message: _Text = ""
    plan: dict[str, Any]
    explored: _SweepId | None = None
    expected_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    cells: list[_RunId] = Field(max_length=MOST_PLACES)
    votes: list[ArchivedVote] = Field(default=[], max_length=MOST_VOTES)
    decision: ArchivedDecision | None = None
    race: ArchivedRace | None = None
    attempts: dict[int, Annotated[list[ArchivedAttempt], Field(max_length=MOST_ATTEMPTS)]] = {}
    early: ArchivedEarly | None = None


class Manifest(_Part):
    """The list of contents."""

    format: Literal["bgen-runs"]
    version: int
    made_by: str
    subjects: list[ArchivedSubject]
    runs: list[ArchivedRun]
    sweeps: list[ArchivedSweep] = []
    references: list[ArchivedReference] = []
