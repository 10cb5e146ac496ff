"""Axes of a sweep, and the one parser that the pages and the command line share.

A piece is one value or a range; pieces are separated by commas::

    10,20,30        the values themselves
    10..30:10       10, 20, 30: from, to (included where the step meets it, never passed), step
    1..9/5          1, 3, 5, 7, 9: five values evenly spaced
    1-9 (+2)        1, 3, 5, 7, 9: A1111's range with a step
    1-9 [5]         1, 3, 5, 7, 9: A1111's range with a count
    30..10:10       30, 20, 10: downwards, where the first number is the greater one

The last comma may be followed by nothing, and dashes and the minus sign stand for a hyphen.
"""

import csv
import io
import re
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from functools import cached_property
from typing import Literal

from bgen_core.errors import UserInputError
from bgen_core.parameters import PARAMETERS, PICTURES, Kind, Parameter, Value
from bgen_core.typed_lines import read_line, typed_lines, write_line
from bgen_core.wording import quoted

MAX_VALUES = 10_000
MOST_DRAWN = 1_000  # seeds that one word draws, see `seeds.random_seeds`
MAX_PIECE_LENGTH = 80  # longer than any range of numbers that fit

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
RANGE = re.compile(rf"({NUMBER})\s*\.\.\s*({NUMBER})(?:\s*:\s*({NUMBER})|\s*/\s*(\d+))?")
A1111_RANGE = re.compile(rf"({NUMBER})\s*-\s*({NUMBER})(?:\s*\(\s*({NUMBER})\s*\)|\s*\[\s*(\d+)\s*\])?")
# What text processors and telephones put in a hyphen's place: from the hyphen to the em dash, and the minus signs
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-"))
FORMS = "10,20,30 or 10..30:10 or 1..9/5"


@dataclass(frozen=True, kw_only=True)
class AxisKind:
    """What can be swept.

    Attributes
    ----------
    name
        What a person types; the command line's option.
    field
        The field of `InpaintParams`, or of `SweepCell` where it is another subject or model.
    label
        What stands at the grid's edge.
    kind
        How its values read.
    parameter
        The run's parameter that it sweeps; None for models, subjects and replacements in the prompts.
    """

    name: str
    field: str
    label: str
    kind: Kind | Literal["replacement", "model", "subject"]
    parameter: Parameter | None = None


AXIS_KINDS: tuple[AxisKind, ...] = (
    AxisKind(name="model", field="model", label="Model", kind="model"),
    AxisKind(name="subject", field="subject_id", label="Subject", kind="subject"),
    AxisKind(name="replace", field="prompt", label="Replace", kind="replacement"),
    AxisKind(name="replace-2", field="prompt", label="Replace 2", kind="replacement"),
    AxisKind(name="replace-3", field="prompt", label="Replace 3", kind="replacement"),
    *(
        AxisKind(
            name=parameter.name,
            field=parameter.field,
            label=parameter.label,
            kind=parameter.kind,
            parameter=parameter,
        )
        for parameter in PARAMETERS
    ),
)
_PICTURES = tuple(parameter.name for parameter in PICTURES)
REPLACEMENTS = tuple(kind.name for kind in AXIS_KINDS if kind.kind == "replacement")
_BY_NAME = {kind.name: kind for kind in AXIS_KINDS}


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One swept parameter with its values, in the order in which they were given; or several that change together.

    Attributes
    ----------
    name
        Of its `AxisKind`.
    values
        A subject's value is its id. The first value of a replacement is the text that is looked for.
    names
        What stands at the grid's edge instead of the values, if given: a subject's id says nothing to a person.
    paired
        Axes with as many values each: the first goes with this one's first, the second with its second.
    """

    name: str
    values: tuple[Value, ...]
    names: tuple[str, ...] = field(default=(), compare=False)
    paired: tuple["Axis", ...] = ()

    def __post_init__(self) -> None:
        if not self.values:
            forms = f", such as {FORMS}" if self.kind.kind in ("whole number", "number") else ""
            raise UserInputError(f"{self.name} has no values: give at least one{forms}.")
        if self.names and len(self.names) != len(self.values):
            raise ValueError(f"{len(self.names)} names for {len(self.values)} values")
        if self.kind.kind == "replacement":
            _check_replacement(self)
        for other in self.paired:
            if len(other.values) != len(self.values):
                raise UserInputError(
                    f"{self.name} has {len(self.values)} values and {other.name} {len(other.values)}: axes that are "
                    "paired need as many values each."
                )

    @property
    def kind(self) -> AxisKind:
        return axis_kind(self.name)

    @property
    def together(self) -> tuple["Axis", ...]:
        """This axis and those that are paired with it."""
        return (self, *self.paired)

    @property
    def label(self) -> str:
        """ "Steps"; of paired ones "Steps + Guidance"."""
        return " + ".join(axis.kind.label for axis in self.together)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Each value as text for the grid's edge; of paired axes their values beside each other."""
        if self.paired:
            alone = [replace(axis, paired=()).labels for axis in self.together]
            return tuple(" · ".join(each) for each in zip(*alone, strict=True))
        if self.name in _PICTURES:
            return tuple(str(value)[:12] or "none" for value in self.values)
        parameter = self.kind.parameter
        return self.names or tuple(str(each) if parameter is None else parameter.in_words(each) for each in self.values)

    @property
    def is_scale(self) -> bool:
        """Whether its values are numbers that can be compared."""
        parameter = self.kind.parameter
        return (
            not self.paired
            and parameter is not None
            and parameter.is_numeric
            and not (parameter.zero and 0 in self.values)
        )


def axis_kind(name: str) -> AxisKind:
    """The kind of axis with that name.

    Raises
    ------
    UserInputError
        Nothing of that name can be swept.
    """
    kind = _BY_NAME.get(name)
    if kind is None:
        raise UserInputError(f"axis {quoted(name)} is not known: choose {', '.join(_BY_NAME)}.")
    return kind


def _check_replacement(axis: Axis) -> None:
    if not axis.values[0]:
        raise UserInputError(f"{axis.name} has nothing to look for: write red, blue, green to replace red.")
    if len(axis.values) == 1:
        raise UserInputError(
            f"{axis.name} {quoted(axis.values[0])} has nothing to put in its place: "
            "write red, blue, green to replace red."
        )


def parse_axis(name: str, text: str, *, repeats: bool = False) -> Axis:
    """Read one axis as a person writes it.

    Parameters
    ----------
    name
        "steps", "guidance", "seed", …
    text
        Pieces separated by commas; prompts stand one per line, since they contain commas, and a line break inside one
        is written as `typed_lines` says. Pieces of a replacement may stand in double quotes, and then contain commas,
        as in A1111's "Prompt S/R". Models and subjects stand one per line.
    repeats
        Whether a value may come again: in axes that are paired it goes with another one then.

    Returns
    -------
    Axis
        Values in the order given, repeated values kept once unless asked for.

    Raises
    ------
    UserInputError
        Names the axis, the piece, and what is allowed.
    """
    kind = axis_kind(name)
    if kind.kind == "text":
        lines = [line for line in typed_lines(text) if line or kind.field != "prompt"]
        values: list[Value] = [read_line(line) for line in lines]
    elif kind.kind in ("model", "subject"):
        values = [line for line in typed_lines(text) if line]
    elif kind.kind == "replacement":
        values = _parse_replacement(kind, text)
    else:
        values = _parse_pieces(kind, text)
    return Axis(name=name, values=tuple(values if repeats else dict.fromkeys(values)))


def hyphens(text: str) -> str:
    """The text with a hyphen for every dash and minus sign."""
    return text.translate(_DASHES)


def _parse_pieces(kind: AxisKind, text: str) -> list[Value]:
    names = kind.parameter.names() if kind.parameter else ()
    pieces = [piece.strip() for piece in text.split(",")]
    if len(pieces) > 1 and not pieces[-1]:
        del pieces[-1]
    if any(not piece for piece in pieces) and text.strip():
        forms = ", ".join(names) or FORMS
        raise UserInputError(f"{kind.name} {quoted(text.strip())} has an empty piece between commas: write {forms}.")
    values: list[Value] = []
    for piece in pieces:
        if len(piece) > MAX_PIECE_LENGTH:
            raise UserInputError(f"{kind.name} {quoted(piece, 20)} is too long to be a number: write {FORMS}.")
        if piece and kind.parameter and names:
            values.append(kind.parameter.chosen(piece))
        elif piece:
            values.extend(_parse_numbers(kind, hyphens(piece)))
        if len(values) > MAX_VALUES:
            raise UserInputError(f"{kind.name} {quoted(piece)} gives over {MAX_VALUES:,} values: use a larger step.")
    return values


def _parse_replacement(kind: AxisKind, text: str) -> list[Value]:
    if len(typed_lines(text.strip())) > 1:
        raise UserInputError(f"{kind.name} {quoted(text, 40)} has several lines: write one replacement per axis.")
    try:
        rows = list(csv.reader([text.strip()], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise UserInputError(
            f'{kind.name} {quoted(text, 40)} cannot be read ({error}): write red, blue or "red, old", "green, new".'
        ) from error
    return [read_line(piece.strip()) for row in rows for piece in row]


def write_replacement(axis: Axis) -> str:
    """A replacement as `parse_axis` reads it: quotes around pieces that need them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([write_line(str(value)) for value in axis.values])
    return line.getvalue()


def _parse_numbers(kind: AxisKind, piece: str) -> list[Value]:
    if re.fullmatch(NUMBER, piece):
        decimals = [Decimal(piece)]
    elif match := RANGE.fullmatch(piece) or A1111_RANGE.fullmatch(piece):
        decimals = _expand_range(kind, piece, *match.groups())
    else:
        drawn = f" or random 4 ({MOST_DRAWN:,} at most)" if kind.name == "seed" else ""
        raise UserInputError(f"{kind.name} {quoted(piece)} is not a number or a range: write {FORMS}{drawn}.")
    if kind.kind == "whole number":
        for decimal in decimals:
            if decimal != decimal.to_integral_value():
                raise UserInputError(f"{kind.name} {quoted(piece)} gives {decimal:f}: only whole numbers are allowed.")
        return [int(decimal) for decimal in decimals]
    return [float(decimal) for decimal in decimals]


def _expand_range(
    kind: AxisKind, piece: str, first: str, last: str, step: str | None, count: str | None
) -> list[Decimal]:
    start, stop = Decimal(first), Decimal(last)
    if count is not None:
        return _evenly_spaced(kind, piece, start, stop, int(count))
    width = Decimal(step) if step is not None else Decimal(1)
    if start > stop:  # downwards, whether or not the step says so
        width = -abs(width)
    if width == 0 or (width < 0 and start <= stop):
        raise UserInputError(f"{kind.name} {quoted(piece)} has the step {width:f}: it must be above 0.")
    number = int((stop - start) / width) + 1
    if number > MAX_VALUES:
        raise UserInputError(
            f"{kind.name} {quoted(piece)} gives {number:,} values: at most {MAX_VALUES:,} are allowed."
        )
    return [start + index * width for index in range(number)]


def _evenly_spaced(kind: AxisKind, piece: str, start: Decimal, stop: Decimal, count: int) -> list[Decimal]:
    if not 1 <= count <= MAX_VALUES:
        raise UserInputError(f"{kind.name} {quoted(piece)} asks for {count:,} values: choose 1 to {MAX_VALUES:,}.")
    if count == 1:
        return [start]
    values = [start + (stop - start) * index / (count - 1) for index in range(count)]
    if kind.kind == "whole number":  # A1111 also cuts these to whole numbers
        return [value.to_integral_value(rounding=ROUND_DOWN) for value in values]
    return values
