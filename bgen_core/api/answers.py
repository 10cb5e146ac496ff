"""Shapes of what the API answers. The OpenAPI document is made from these models; a test compares answers with it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bgen_core.records.race import RaceState, StepKind
from bgen_core.records.sweep_states import SweepState
from bgen_core.records.visitor import Role, Sharing

Values = dict[str, int | float | str]


class Answer(BaseModel):
    """Root of the answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Answer):
    """Why something was not done (RFC 9457)."""

    type: str = Field(description="Always about:blank: the status says what kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One sentence for a person: what is wrong, the value, and what is allowed.")
    field: str | None = Field(default=None, description="Which part of what was sent is wrong, where one is.")


class Me(Answer):
    """Whom a token stands for."""

    id: str
    name: str
    role: Role = Field(description="A token of the scope read has the role viewer, whoever made it.")


class Models(Answer):
    """Models that may be named."""

    default: str
    offered: list[str]


class Subject(Answer):
    """A photo with its alpha. Addresses are relative to the folder in which the app lies."""

    id: str
    name: str
    created: datetime
    width: int
    height: int
    photo: str = Field(description="Address of the photo as PNG.")
    alpha: str = Field(description="Address of the alpha as grey PNG, white = keep.")


class SubjectSaved(Subject):
    """A subject, and what there is to say about how its photo was read and cut out."""

    notes: list[str]


class Subjects(Answer):
    """Saved subjects, newest first."""

    total: int
    subjects: list[Subject]


class Forecast(Answer):
    """What a sweep will cost."""

    cells: int
    known: int = Field(description="How many of them are in the store already.")
    to_make: int
    to_paint: int = Field(description="Pictures that the diffusion model has to make; cells may share one.")
    seconds: float | None = Field(description="Expected time; null before the first measurement on this device.")
    notes: list[str]
    plan: dict[str, Any] = Field(description="The plan in full, with seeds that were drawn.")


class Sweep(Answer):
    """A plan in the queue or after it."""

    id: str
    is_mine: bool
    title: str
    sharing: Sharing = Field(description="Who sees it beside its owner and admins.")
    state: SweepState
    message: str = Field(description="Why it failed or stopped; mostly empty.")
    cells: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    expected_seconds: float | None
    explored: str | None = Field(description="The sweep whose chosen cells this one finishes.")
    page: str = Field(description="Address of its page.")


class Sweeps(Answer):
    """Sweeps, newest first."""

    total: int
    sweeps: list[Sweep]


class RaceStep(Answer):
    """One decision of a race."""

    kind: StepKind
    text: str = Field(description="Why, in sentences.")
    value: int | None = Field(description="Place on the axis of the value that it is about.")
    created: datetime


class Race(Answer):
    """A sweep to which seeds are added until one value is left."""

    axis: str
    by: str = Field(description="The metric that decides, or votes.")
    budget: int = Field(description="How many cells may be added.")
    added: int = Field(description="How many were.")
    state: RaceState
    left: list[int] = Field(description="Places on the axis of the values that have not lost.")
    started_from: str | None = Field(description="The sweep whose values are raced.")
    steps: list[RaceStep]
    proposed: list[int | float | str] = Field(
        description="After its end: new values beside the best that are worth a race."
    )


class EarlyStopping(Answer):
    """What a sweep's previews are measured for."""

    by: str = Field(description="The metric.")
    stops: bool = Field(description="Whether cells are stopped; otherwise what previews say is only kept.")
    note: str = Field(description="How many kept runs there were when it began, and what they said.")


class SweepStatus(Sweep):
    """A sweep, and how far it is."""

    made: int
    failed: int
    stopped: int = Field(description="Cells that were stopped early.")
    race: Race | None
    early: EarlyStopping | None
    ahead: int | None = Field(description="How many sweeps have a turn before it; null where it does not wait.")
    seconds_to_begin: float | None
    plan: dict[str, Any]


class Attempt(Answer):
    """One seed that was tried for a cell that is drawn again while its person grows."""

    run: str
    expansion: float | None = Field(
        description="In percent of the picture; null until measured, or where it cannot be."
    )


class Cell(Answer):
    """One place of a sweep's grid."""

    index: int
    run: str = Field(description="Id of the run that belongs here, made or not; of the best attempt so far.")
    made: bool
    final: bool = Field(description="Whether it is made and no other attempt will take its place.")
    attempts: list[Attempt] = Field(description="Seeds that were tried; empty where cells are not drawn again.")
    error: str | None
    stopped_early: str | None = Field(description="Why it is not painted to its end.")
    model: str
    subject: str
    params: Values


class Cells(Answer):
    """The cells of a sweep, by index."""

    sweep: str
    cells: list[Cell]


class Measured(Answer):
    """One metric of a run."""

    value: float | None
    reason: str
    version: int


class Run(Answer):
    """One finished cell. Addresses are relative to the folder in which the app lies."""

    id: str
    created: datetime
    subject: str
    subject_name: str
    model: str
    model_revision: str
    params: Values
    width: int
    height: int
    model_width: int
    model_height: int
    device: str
    dtype: str
    versions: dict[str, str]
    made_on: dict[str, str] = Field(description="GPU or processor, driver, and sizes of calls; {} of older runs.")
    seconds: dict[str, float]
    peak_memory_mb: float
    picture: str = Field(description="Address of the finished picture, a PNG that carries how it was made.")
    raw_picture: str = Field(description="Address of what the model made, before the subject was put back.")
    thumbnail: str
    page: str
    metrics: dict[str, Measured]
    rating: int | None = Field(description="This person's own.")
    mean_rating: float | None = Field(description="Of all who rated it.")
    raters: int
    notes: str
    tags: list[str]


class Runs(Answer):
    """Part of the runs that were asked for."""

    total: int
    runs: list[Run]


class MadeCell(Answer):
    """A cell whose run is in the store."""

    index: int
    run: str


class FailedCell(Answer):
    """A cell that could not be made."""

    index: int
    error: str


class StoppedCell(Answer):
    """A cell that was stopped early: its preview said that it would lose."""

    index: int
    reason: str


class Progress(Answer):
    """How far the sweep in hand is."""

    made: int
    cells: int
    steps: dict[int, tuple[int, int]] = Field(description="Cell under way -> evaluations done, and all of them.")
    fetched: int = Field(description="Bytes of a model's download.")
    to_fetch: int
    measuring: bool = Field(description="Whether the model's speed at this size is measured first, once.")


class SweepNews(Answer):
    """Data of an event: what is new. The first event of a stream tells all that is known."""

    sweep: Sweep
    made: list[MadeCell]
    failed: list[FailedCell]
    stopped: list[StoppedCell]
    progress: Progress | None
