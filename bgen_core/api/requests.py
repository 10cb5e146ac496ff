"""Shapes of what scripts send: unknown names are refused, since a misspelt one would be another sweep."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, create_model

from bgen_core.limits import LONGEST_NAME, LONGEST_SEARCH, LONGEST_TEXT
from bgen_core.parameters import PARAMETERS
from bgen_core.records.sweep_states import SweepState
from bgen_core.records.visitor import Sharing
from bgen_core.store.opinions import MAX_RATING
from bgen_core.sweep.axes import FORMS
from bgen_core.sweep.pairs import FORM
from bgen_core.sweep.seeds.redraw import USUAL_ATTEMPTS

_MOST_VALUES = 10_000
_MOST_TAGS = 100
MOST_RUNS = 1000


def _as_whole(sent: Any) -> Any:
    return int(sent) if isinstance(sent, float) and sent.is_integer() else sent


Id = Annotated[str, Field(max_length=100)]
# In JSON, 3.0 is a whole number too: tables write what stands in a column with gaps in this way.
_Whole = Annotated[StrictInt, BeforeValidator(_as_whole)]
_Text = Annotated[StrictStr, Field(max_length=LONGEST_TEXT)]
_Texts = _Text | Annotated[list[_Text], Field(min_length=1, max_length=_MOST_VALUES)]
_Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
_Value = _Number | _Text
_Axis = _Value | Annotated[list[_Value], Field(min_length=1, max_length=_MOST_VALUES)]


class Asked(BaseModel):
    """Root of what is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SweepPlanned(Asked):
    """What a sweep has beside parameters: `SweepRequest` adds these, as `sweep --spec` takes them."""

    subject: _Texts = Field(description="Id of a saved subject; several make an axis.")
    model: _Texts | None = Field(default=None, description="A model of the list; several make an axis.")
    replace: _Texts | None = Field(default=None, description="'red, blue' replaces red in the prompts; an axis each.")
    pair: _Texts | None = Field(default=None, description=f"Axes whose values go together: {FORM}.")
    explore_steps: _Whole | None = Field(
        default=None, ge=1, description="Make all cells with so few steps; finish the best with …/finish."
    )
    max_expansion: StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | None = Field(
        default=None,
        description="Draw a cell again with another seed while its person grows by more than so many percent of the "
        "picture.",
    )
    attempts: _Whole | None = Field(
        default=None, description=f"Seeds for a cell at most, its own included; {USUAL_ATTEMPTS} where none is sent."
    )
    stop_early: _Text | None = Field(
        default=None, description="A metric: cells whose previews say that they will lose by it are stopped early."
    )
    keep_previews: _Text | None = Field(
        default=None,
        description="A metric: what previews say of it is kept, so that later sweeps can stop cells early.",
    )
    sharing: Sharing | None = Field(
        default=None, description="Who sees it beside its owner and admins; null for the server's default."
    )

    @property
    def given(self) -> dict[str, Any]:
        """Parameter's option -> what was sent."""
        named = self.model_dump(exclude_none=True)
        return {each.option: named[each.option] for each in PARAMETERS if each.option in named}


def _parameter_fields() -> dict[str, Any]:
    return {
        each.option: (
            (_Texts if each.kind == "text" else _Axis) | None,
            Field(
                default=None,
                description=f"{each.help} One value, several, or a text such as {FORMS}."
                if each.is_numeric
                else f"{each.help} Several make an axis.",
            ),
        )
        for each in PARAMETERS
    }


if TYPE_CHECKING:

    class SweepRequest(SweepPlanned):
        """A sweep: subjects, models, and a field for each parameter."""

else:
    # A parameter is one row of its table, here too.
    SweepRequest = create_model("SweepRequest", __base__=SweepPlanned, **_parameter_fields())
    SweepRequest.__doc__ = "A sweep: subjects, models, and a field for each parameter."


class FinishRequest(Asked):
    """Cells of an explored sweep that shall be made with full steps."""

    cells: list[_Whole] = Field(min_length=1, max_length=_MOST_VALUES)
    steps: _Axis = Field(description=f"One value, several, or a text such as {FORMS}.")


class ShareRequest(Asked):
    """Who shall see a sweep beside its owner and admins."""

    sharing: Sharing


class RetryRequest(Asked):
    """Which cell is tried again; all that are missing or failed where none is named."""

    cell: _Whole | None = Field(default=None, ge=0)
    stopped: bool = Field(default=False, description="Whether all cells that were stopped early are painted too.")


class OpinionChange(Asked):
    """What is thought of a run; what is left out stays as it is."""

    rating: _Whole | None = Field(default=None, ge=1, le=MAX_RATING, description="Stars, or null for none.")
    notes: _Text = ""
    tags: list[_Text] = Field(default=[], max_length=_MOST_TAGS)


class SubjectForm(Asked):
    """Fields beside the files of an upload."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)] = Field(default="", description="Empty for the file's own.")
    quality: Literal["fast", "standard", "fine"] = Field(default="standard", description="Of the automatic mask.")
    threshold: float = Field(default=0.5, description="Where the mask's edge lies; less keeps more.")
    grow: float = Field(default=0.0, description="Pixels by which the mask grows; below 0 it shrinks.")
    feather: float = Field(default=0.0, description="Softness added to the edge, in pixels.")
    invert: bool = Field(default=False, description="White in the alpha is what to repaint.")


class NothingAsked(Asked):
    """An empty object; no body means the same."""


class SweepsQuery(Asked):
    """Which sweeps are listed."""

    whose: Literal["mine", "all"] = Field(default="mine", description="All are those that the visitor may see.")
    state: SweepState | None = None
    limit: int = Field(default=50, ge=1, le=200)
    offset: int = Field(default=0, ge=0, le=10**9)


class SubjectsQuery(Asked):
    """Which subjects are listed."""

    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0, le=10**9)


class ExportQuery(Asked):
    """Which runs are meant, as in the address of the compare page."""

    q: str = Field(default="", max_length=LONGEST_TEXT, description="Words in the prompts and names.")
    f: list[Annotated[str, Field(max_length=LONGEST_TEXT)]] = Field(
        default=[], max_length=100, description="Conditions such as strength:0.5..1 or model:demo."
    )
    sweep: Id = Field(default="", description="Only the runs of this sweep's grid.")
    ids: str = Field(default="", max_length=100_000, description="These runs alone, with commas between their ids.")
    meaning: str = Field(
        default="", max_length=LONGEST_SEARCH, description="What the pictures are to show: the most alike come first."
    )
    less: str = Field(default="", max_length=LONGEST_SEARCH, description="And what they are to show less of.")
    like: Id = Field(default="", description="A run that they are to be like, in place of words.")
    sort: str = Field(default="", max_length=100, description="A column, with a minus before it from large to small.")

    @property
    def address(self) -> dict[str, list[str]]:
        """The same as the compare page's address has it."""
        one = {name: getattr(self, name) for name in ("q", "sweep", "ids", "meaning", "less", "like", "sort")}
        return {name: [text] for name, text in one.items() if text} | ({"f": list(self.f)} if self.f else {})


class RunsQuery(ExportQuery):
    """Which runs, and which part of them."""

    limit: int = Field(default=100, ge=1, le=MOST_RUNS)
    offset: int = Field(default=0, ge=0, le=10**9)
