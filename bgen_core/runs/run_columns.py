"""Every column of the wide table of runs, with its name, unit, direction and how it is filtered, for people."""

from dataclasses import dataclass
from typing import Literal

from bgen_core.errors import UserInputError
from bgen_core.metrics import LIKENESS, METRICS, Direction
from bgen_core.runs.table import FIELDS, FieldKind
from bgen_core.wording import quoted

ColumnKind = FieldKind | Literal["rating", "tags", "note"]


@dataclass(frozen=True, kw_only=True)
class RunColumn:
    """One column of `wide_table.run_table`.

    Attributes
    ----------
    name
        In the table and in addresses.
    label
        What a person reads, with its unit.
    help
        One sentence that explains it; of a metric also which values are better and the source.
    kind
        How it is filtered and shown.
    direction
        Which values are better.
    is_metric
        Whether it was measured; parameters and opinions are not.
    decimals
        Digits after the point that a metric's values are shown with; None for all that tell numbers apart.
    """

    name: str
    label: str
    help: str
    kind: ColumnKind
    direction: Direction = "none"
    is_metric: bool = False
    decimals: int | None = None


_BETTER = {"lower": " Lower is better.", "higher": " Higher is better.", "none": ""}
_FIELDS = tuple(
    RunColumn(
        name=field.name,
        label=field.label,
        help=field.help,
        kind=field.kind,
        direction="lower" if field.name in ("seconds", "peak_memory_mb") else "none",
    )
    for field in FIELDS
)
_OPINIONS = (
    RunColumn(name="rating", label="Rating", help="1 to 5 stars, yours.", kind="rating", direction="higher"),
    RunColumn(
        name="mean_rating",
        label="Mean rating",
        help="1 to 5 stars, over all who rated it.",
        kind="number",
        direction="higher",
        decimals=1,
    ),
    RunColumn(name="raters", label="Raters", help="How many people rated it.", kind="number", decimals=0),
    RunColumn(name="tags", label="Tags", help="Words that people gave it.", kind="tags"),
    RunColumn(name="notes", label="Notes", help="What you wrote beside it.", kind="note"),
    RunColumn(name="owner", label="Owner", help="Whose sweep made it first.", kind="choice"),
)
_METRICS = tuple(
    RunColumn(
        name=metric.name,
        label=metric.heading,
        help=f"{metric.help}{_BETTER[metric.direction]} Source: {metric.source}.",
        kind="number",
        direction=metric.direction,
        is_metric=True,
        decimals=metric.decimals,
    )
    for metric in (*METRICS, LIKENESS)
    if metric.name not in {field.name for field in FIELDS}
)
RUN_COLUMNS: tuple[RunColumn, ...] = (*_FIELDS, *_OPINIONS, *_METRICS)

_BY_NAME = {column.name: column for column in RUN_COLUMNS}


def run_column(name: str) -> RunColumn:
    """The column of that name.

    Raises
    ------
    UserInputError
        The table has no such column.
    """
    found = _BY_NAME.get(name)
    if found is None:
        raise UserInputError(f"column {quoted(name, 80)} is not known: choose {', '.join(_BY_NAME)}.")
    return found
