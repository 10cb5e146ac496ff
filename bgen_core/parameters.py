"""A run's parameters, one row each. Options, form, addresses, table, exports and PNG texts are derived from these rows.

To add one: a row here, the field of `sweep.params.InpaintParams`, the column of `store.schema.RunRow` with its
migration, and the place where it acts. `docs/parameters.md` walks through it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bgen_core.errors import UserInputError
from bgen_core.limits import check_text
from bgen_core.models.backgrounds.canvas_text import ANCHORS, CANVASES, anchor_named, canvas_named, check_anchor
from bgen_core.models.backgrounds.colour_text import read_gradient
from bgen_core.models.families import BACKDROP_FIELDS, CONTROLS
from bgen_core.models.schedulers import scheduler_named, scheduler_names
from bgen_core.models.steering.ip_adapters import MOST_SCALE, check_name, check_reference
from bgen_core.models.steering.loras import MOST_WEIGHT, read_loras
from bgen_core.typed_lines import write_line
from bgen_core.wording import quoted

Value = int | float | str
Kind = Literal["text", "name", "whole number", "number"]
Stage = Literal["place", "paint", "mask", "paste"]
MAX_STEPS = 1000
MAX_SEED = 2**63 - 1
MAX_MASK_PERCENT = 25.0
MAX_SIDE = 2048
PROMPT_SYNTAXES = ("plain", "a1111")
MAX_CLIP_SKIP = 11  # of the twelve layers of CLIP's smaller text encoder; A1111's largest too
REPAINTS = ("background", "whole")

_LONGEST_SHOWN = 40
_NO_NAMES: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both allowed; `above_low` leaves `low` itself out."""

    low: float
    high: float
    above_low: bool = False

    def holds(self, value: float) -> bool:
        return (self.low < value if self.above_low else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        low, high = write_number(self.low), write_number(self.high)
        return f"a number above {low}, up to {high}" if self.above_low else f"{low} to {high}"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a run.

    Attributes
    ----------
    field
        In diffusers' words: the field of `InpaintParams`, the column of database, table and exports, the key in JSON.
    name
        What a person types: the axis; with dashes, the command line's option.
    label
        What a person reads, without the unit.
    help
        One sentence that explains it.
    kind
        How its values read: texts may hold commas and stand one per line, names are one of `names`.
    default
        Where the model's catalogue entry has no value of its own.
    stage
        What it acts on: where the subject stands, the painting, the mask that the model gets, or the pasting, which
        needs no new picture of the model.
    since
        Address revision since which it exists. Beyond 1, it is left out of a cell's address at its default, which must
        change no pixel: what was made before it existed keeps its address.
    range
        Allowed numbers.
    names
        Allowed names.
    syntax
        Raises UserInputError for a text that it cannot have.
    meant
        Which of them a name stands for that people or other programs use instead; None where it is none.
    a1111
        Its name in the text that A1111 writes into PNGs; empty where A1111 has no such thing: then it stands there
        under its label. What came later, or is not A1111's, stands there where it is not at its default.
    unit
        Behind a number, and in brackets behind the label.
    a1111_counts_from
        What stands there where it is 0 here.
    zero
        What 0 stands for, where it is no number of its own.
    of_model
        Attribute of `ModelEntry` with the value that a first picture with that model should have.
    short
        How it is named among the few that tell pictures apart at a glance, such as "seed {}"; empty for the others.
    url
        Its key in an address, where that is not its name.
    """

    field: str
    name: str
    label: str
    help: str
    kind: Kind
    default: Value
    stage: Stage = "paint"
    since: int = 1
    range: Range | None = None
    names: Callable[[], tuple[str, ...]] = lambda: _NO_NAMES
    syntax: Callable[[str], object] = lambda text: None
    meant: Callable[[str], str | None] = lambda text: None
    a1111: str = ""
    a1111_counts_from: int = 0
    unit: str = ""
    zero: str = ""
    of_model: str = ""
    short: str = ""
    url: str = ""

    @property
    def heading(self) -> str:
        """The label with its unit, for a column."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def key(self) -> str:
        """Its key in an address, and of its control."""
        return self.url or self.name

    @property
    def option(self) -> str:
        """The command line's option as an identifier."""
        return self.name.replace("-", "_")

    @property
    def is_numeric(self) -> bool:
        return self.kind in ("whole number", "number")

    @property
    def in_png(self) -> str:
        """Its name in the text that A1111 reads."""
        return self.a1111 or self.label

    def in_words(self, value: Value) -> str:
        """A value as a person reads it: 7 rather than 7.0, "the model's own" for a 0 that stands for that."""
        if self.zero and value == 0:
            return self.zero
        return f"{value:.12g}" if isinstance(value, float) else str(value)

    def checked(self, value: object) -> Value:
        """The value in its declared type: 7 and 7.0 are the same guidance.

        Raises
        ------
        UserInputError
            No run can have this value: says which it is and what is allowed.
        """
        if not self.is_numeric:
            if isinstance(value, str):
                self.syntax(value)
                return value
            raise UserInputError(f"{self._said} {quoted(value, _LONGEST_SHOWN)} is not allowed: give a text.")
        number = self._whole(value) if self.kind == "whole number" else self._finite(value)
        if self.range is not None and not self.range.holds(number):
            raise UserInputError(f"{self._said} {quoted(number, _LONGEST_SHOWN)} is not allowed: choose {self.range}.")
        return number

    def accepted(self, value: object) -> Value:
        """The value of a run that is yet to be made: `checked`, and a text no longer than everything can hold.

        Raises
        ------
        UserInputError
            See `checked` and `limits.check_text`.
        """
        value = self.checked(value)
        return check_text(f"The {self.label.lower()}", value) if isinstance(value, str) else value

    def chosen(self, text: str) -> str:
        """One of the names, by itself or by what else it is called.

        Raises
        ------
        UserInputError
            There is no such name.
        """
        name = text if text in self.names() else self.meant(text)
        if name is None:
            raise UserInputError(
                f"{self._said} {quoted(text, _LONGEST_SHOWN)} is not known: choose {', '.join(self.names())}."
            )
        return name

    def write(self, value: Value) -> str:
        """A value as a person types it, to the last digit and letter: `axes.parse_axis` reads the same value back."""
        if isinstance(value, str):
            return write_line(value) if self.kind == "text" else value
        return write_number(value)

    def is_in_address(self, value: Value) -> bool:
        """Whether a cell with this value has it in its address."""
        return self.since <= 1 or value != self.default

    @property
    def _said(self) -> str:
        return self.name.replace("-", " ")

    def _finite(self, value: object) -> float:
        try:
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                return float(value)
        except OverflowError:  # a whole number beyond all floats
            pass
        raise UserInputError(f"{self._said} {quoted(value, _LONGEST_SHOWN)} is not allowed: give a finite number.")

    def _whole(self, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        number = self._finite(value)
        if number != int(number):
            raise UserInputError(f"{self._said} {quoted(value, _LONGEST_SHOWN)} is not allowed: give a whole number.")
        return int(number)


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        field="prompt",
        name="prompt",
        label="Prompt",
        a1111="Prompt",
        help="What to paint behind the subject.",
        kind="text",
        default="",
    ),
    Parameter(
        field="negative_prompt",
        name="negative-prompt",
        label="Negative prompt",
        a1111="Negative prompt",
        help="What to avoid; with most models it has no effect where guidance is 1 or less.",
        kind="text",
        default="",
        url="negative",
    ),
    Parameter(
        field="num_inference_steps",
        name="steps",
        label="Steps",
        a1111="Steps",
        help="Number of denoising steps.",
        kind="whole number",
        default=20,
        range=Range(low=1, high=MAX_STEPS),
        of_model="steps",
        short="{} steps",
    ),
    Parameter(
        field="guidance_scale",
        name="guidance",
        label="Guidance",
        a1111="CFG scale",
        help="How strongly the prompt is followed [A1111: CFG scale]; with most models 1 and less switch it off.",
        kind="number",
        default=3.0,
        range=Range(low=0, high=100),
        of_model="guidance",
        short="guidance {}",
    ),
    Parameter(
        field="seed",
        name="seed",
        label="Seed",
        a1111="Seed",
        help="The noise that the picture starts from; the same seed gives the same picture. -1 draws one.",
        kind="whole number",
        default=0,
        range=Range(low=0, high=MAX_SEED),
        short="seed {}",
    ),
    Parameter(
        field="strength",
        name="strength",
        label="Strength",
        a1111="Denoising strength",
        help="1 paints from noise alone, less starts from the photo [A1111: Denoising strength].",
        kind="number",
        default=1.0,
        range=Range(low=0, high=1, above_low=True),
    ),
    Parameter(
        field="detail_strength",
        name="detail-strength",
        label="Detail pass",
        help="How strongly the enlarged picture is painted once more, in tiles; 0 only enlarges it.",
        kind="number",
        default=0.0,
        since=7,
        range=Range(low=0, high=1),
        url="detail",
    ),
    Parameter(
        field="scheduler",
        name="scheduler",
        label="Scheduler",
        a1111="Sampler",
        help="The solver of the denoising steps [A1111: Sampler].",
        kind="name",
        default="ddim",
        names=scheduler_names,
        meant=scheduler_named,
        of_model="scheduler",
    ),
    Parameter(
        field="guidance_end",
        name="guidance-end",
        label="Guidance end",
        help="Part of the steps, from the first on, that are guided [CFG end]; the others follow the prompt alone.",
        kind="number",
        default=1.0,
        since=3,
        range=Range(low=0, high=1),
    ),
    Parameter(
        field="clip_skip",
        name="clip-skip",
        label="Clip skip",
        a1111="Clip skip",
        a1111_counts_from=1,
        help="How many last layers of the text encoder are left out [A1111 says one more: its 2 is 1 here].",
        kind="whole number",
        default=0,
        since=3,
        range=Range(low=0, high=MAX_CLIP_SKIP),
    ),
    Parameter(
        field="prompt_syntax",
        name="prompt-syntax",
        label="Prompt syntax",
        help="plain reads words, to the model's limit; a1111 reads (word:1.2), [word], BREAK and texts of any length.",
        kind="name",
        default="plain",
        since=3,
        names=lambda: PROMPT_SYNTAXES,
    ),
    Parameter(
        field="flow_shift",
        name="flow-shift",
        label="Flow shift",
        help="How far the noise levels of a flow-matching model are shifted to the early, noisy ones; 0 is its own.",
        kind="number",
        default=0.0,
        since=3,
        range=Range(low=0, high=100),
        zero="the model's own",
    ),
    Parameter(
        field="side",
        name="side",
        label="Side",
        help="Side of a square as large as what the model paints, at the photo's own aspect; 0 is the model's own.",
        kind="whole number",
        default=0,
        since=3,
        range=Range(low=0, high=MAX_SIDE),
        unit="px",
        zero="the model's own",
    ),
    Parameter(
        field="loras",
        name="lora",
        label="LoRAs",
        help="LoRAs and their weights, such as ink:0.8, mist:0.5: files of the folder BGEN_LORAS, or Hub ids.",
        kind="text",
        default="",
        since=3,
        syntax=read_loras,
    ),
    Parameter(
        field="lora_weight",
        name="lora-weight",
        label="LoRA weight",
        help="Factor of the weights of all LoRAs; 0 paints without them.",
        kind="number",
        default=1.0,
        since=3,
        range=Range(low=-MOST_WEIGHT, high=MOST_WEIGHT),
    ),
    Parameter(
        field="control",
        name="control",
        label="Control picture",
        help="What a ControlNet is shown: the mask, as those for backgrounds expect, or the subject's edges or depth.",
        kind="name",
        default="mask",
        since=3,
        names=lambda: CONTROLS,
    ),
    Parameter(
        field="control_scale",
        name="control-scale",
        label="Control scale",
        help="How strongly a ControlNet steers the painting; 0 paints without it.",
        kind="number",
        default=1.0,
        since=3,
        range=Range(low=0, high=5),
    ),
    Parameter(
        field="reference",
        name="reference",
        label="Reference picture",
        help="A picture whose style the background takes: its address in the store, or a file that is put there.",
        kind="text",
        default="",
        since=4,
        syntax=check_reference,
    ),
    Parameter(
        field="ip_adapter",
        name="ip-adapter",
        label="IP-Adapter",
        help="What looks at the reference picture: a file of the folder BGEN_IP_ADAPTERS, or one of the Hub.",
        kind="text",
        default="",
        since=4,
        syntax=check_name,
    ),
    Parameter(
        field="reference_scale",
        name="reference-scale",
        label="Reference scale",
        help="How strongly the reference picture acts beside the prompt; 0 paints without it.",
        kind="number",
        default=0.6,
        since=4,
        range=Range(low=0, high=MOST_SCALE),
    ),
    Parameter(
        field="background",
        name="background",
        label="Background picture",
        help="What own-picture puts behind the subject: a picture's address in the store, or a file that is put there.",
        kind="text",
        default="",
        since=5,
        syntax=lambda text: check_reference(text, "background"),
    ),
    Parameter(
        field="background_colour",
        name="background-colour",
        label="Background colour",
        help="Of plain-colour: white, #aabbcc, or a gradient, white to sky blue from left (an edge, a corner, center).",
        kind="text",
        default="#ffffff",
        since=5,
        syntax=read_gradient,
        url="colour",
    ),
    Parameter(
        field="background_blur",
        name="background-blur",
        label="Background blur",
        help="How far blurred-photo puts the photo out of focus: a Gaussian's σ, in percent of its shorter side.",
        kind="number",
        default=2.0,
        since=5,
        range=Range(low=0, high=25),
        unit="%",
        url="blur",
    ),
    Parameter(
        field="repaint",
        name="repaint",
        label="Repaint",
        help="background paints beside the subject; whole has the photo edited as the prompt says, without a mask.",
        kind="name",
        default="background",
        since=3,
        names=lambda: REPAINTS,
    ),
    Parameter(
        field="canvas",
        name="canvas",
        label="Canvas",
        help="The picture's size: photo is the photo's own; 1:1, 4:5, 16:9 or 9:16 goes on around it; or 1920x1080.",
        kind="name",
        default="photo",
        stage="place",
        since=6,
        names=lambda: CANVASES,
        meant=canvas_named,
        syntax=canvas_named,
    ),
    Parameter(
        field="anchor",
        name="anchor",
        label="Anchor",
        help="Edge or corner of the canvas at which the photo lies; what a photo's frame cuts off looks best there.",
        kind="name",
        default="bottom",
        stage="place",
        since=6,
        names=lambda: ANCHORS,
        meant=anchor_named,
        syntax=check_anchor,
    ),
    Parameter(
        field="subject_scale",
        name="subject-scale",
        label="Subject scale",
        help="Size of the subject in parts of its own; 1 keeps its pixels, others resample them once.",
        kind="number",
        default=1.0,
        stage="place",
        since=6,
        range=Range(low=0.05, high=4),
        url="scale",
    ),
    Parameter(
        field="mask_grow",
        name="mask-grow",
        label="Mask grow",
        help="How far the repainted region reaches into the subject's edge, in percent of the model's shorter side.",
        kind="number",
        default=1.5,
        stage="mask",
        range=Range(low=0, high=MAX_MASK_PERCENT),
        unit="%",
        url="grow",
    ),
    Parameter(
        field="mask_feather",
        name="mask-feather",
        label="Mask feather",
        help="How far the repainted region's outline is rounded, in percent of the model's shorter side.",
        kind="number",
        default=0.0,
        stage="mask",
        range=Range(low=0, high=MAX_MASK_PERCENT),
        unit="%",
        url="feather",
    ),
    Parameter(
        field="edge_softness",
        name="edge-softness",
        label="Edge softness",
        help="How far the subject's edge is softened when it is put back, in percent of the photo's shorter side.",
        kind="number",
        default=0.0,
        stage="paste",
        since=2,
        range=Range(low=0, high=5),
        unit="%",
        url="edge",
    ),
    Parameter(
        field="harmonisation",
        name="harmonisation",
        label="Harmonisation",
        help="How far the subject's light is moved to the background's; above 0 its own pixels change.",
        kind="number",
        default=0.0,
        stage="paste",
        since=2,
        range=Range(low=0, high=1),
    ),
    Parameter(
        field="light",
        name="light",
        label="Light",
        help="How far the subject takes its background's light: brightness, colour, from which side; 0 is the photo.",
        kind="number",
        default=0.0,
        stage="paste",
        since=5,
        range=Range(low=0, high=1),
    ),
    Parameter(
        field="shadow",
        name="shadow",
        label="Shadow",
        help="Darkness of the subject's soft shadow on the new background.",
        kind="number",
        default=0.0,
        stage="paste",
        since=2,
        range=Range(low=0, high=1),
    ),
    Parameter(
        field="ground_shadow",
        name="ground-shadow",
        label="Ground shadow",
        help="Darkness of a shadow from the subject's feet away from the light; none where the lower frame cuts it.",
        kind="number",
        default=0.0,
        stage="paste",
        since=5,
        range=Range(low=0, high=1),
    ),
)
TEXTS = tuple(parameter for parameter in PARAMETERS if parameter.kind == "text")
PROMPTS = tuple(parameter for parameter in PARAMETERS if parameter.field in ("prompt", "negative_prompt"))
# Texts that are content addresses of pictures in the store
PICTURES = tuple(parameter for parameter in PARAMETERS if parameter.field in ("reference", "background"))
BACKDROPS = tuple(parameter for parameter in PARAMETERS if parameter.field in BACKDROP_FIELDS)
_BY_FIELD = {parameter.field: parameter for parameter in PARAMETERS}


def parameter_of(field: str) -> Parameter:
    """The row of a field of `InpaintParams`."""
    return _BY_FIELD[field]


def write_number(value: float) -> str:
    """A number as short as it can be typed without losing a digit, and without an exponent."""
    return str(value) if isinstance(value, int) else f"{Decimal(repr(value)).normalize():f}"
