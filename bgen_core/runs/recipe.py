"""What a PNG says about how to make it again: the settings, and what of them cannot be taken over.

A PNG of this program carries everything. One of A1111 (or Forge, SD.Next …) carries text meant for people, one of
ComfyUI, InvokeAI or NovelAI their own JSON, which is read under A1111's names: what has a place here is taken over, and
everything else is named, so that nobody wonders why the picture is another one.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bgen_core.errors import UserInputError
from bgen_core.ids import NO_SUBJECT, SubjectId
from bgen_core.limits import LARGEST_PICTURE, LONGEST_TEXT, MOST_MEGAPIXELS
from bgen_core.models.catalogue import OFFERED
from bgen_core.models.schedulers import SCHEDULERS, scheduler_named
from bgen_core.models.steering.loras import take_tags
from bgen_core.parameters import PARAMETERS, PROMPTS, Kind, Parameter, Value, parameter_of
from bgen_core.records.png_text import PARAMETERS_KEY, read_parameters, read_record
from bgen_core.records.run import PaintedRun
from bgen_core.subject.decoding.foreign_pictures import look_at
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.prompt_syntax import has_more_than_weights, has_weights, may_read_differently
from bgen_core.wording import printable, quoted

# What is dropped on a page may be anything: checked before its pixels are decoded.
PNG_LIMITS = DecodeLimits(max_bytes=LARGEST_PICTURE, max_pixels=round(MOST_MEGAPIXELS * 1e6), min_side=1)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings that a PNG carries, as far as they go.

    Attributes
    ----------
    params
        What to load; what the PNG does not say has its default.
    given
        Names of the parameters that stand in the PNG and were taken; the others have their defaults.
    model
        A model's name here; empty where the PNG names none that is known.
    named_model
        The model as the PNG names it, with its hash; empty where it names none.
    subject_id
        Content address of photo and mask; empty where the PNG does not say.
    record
        The whole record of a run of this program; None for pictures of others.
    not_taken
        One sentence for each thing that the PNG says and that has no place here, or another meaning.
    preview
        The picture as a small WebP, where one was asked for.
    """

    params: InpaintParams
    given: frozenset[str]
    model: str = ""
    named_model: str = ""
    subject_id: SubjectId = NO_SUBJECT
    record: PaintedRun | None = None
    not_taken: tuple[str, ...] = ()
    preview: bytes = field(default=b"", repr=False, compare=False)


def read_recipe(png: bytes, *, limits: DecodeLimits = PNG_LIMITS, preview_side: int = 0) -> Recipe:
    """Read a PNG of this program, of A1111, ComfyUI, InvokeAI or NovelAI.

    Parameters
    ----------
    limits
        Of the picture.
    preview_side
        Longest side of a small version that comes along; 0 for none.

    Raises
    ------
    UserInputError
        It is no PNG, carries no parameters, or describes a run that cannot be.
    """
    if png and not png.startswith(b"\x89PNG"):
        raise UserInputError("This is not a PNG that can be read: give a PNG file.")
    look = look_at(png, name="The PNG", limits=limits, preview_side=preview_side)
    return replace(_recipe(look.texts), preview=look.preview)


def _recipe(texts: Mapping[str, str]) -> Recipe:
    if (record := read_record(texts)) is not None:
        return Recipe(
            params=record.params,
            given=frozenset(record.params.to_json()),
            model=record.model,
            named_model=record.model,
            subject_id=record.subject_id,
            record=record,
        )
    fields = read_parameters(texts)
    if "Steps" not in fields:
        raise UserInputError(
            "This PNG does not say how it was made: give one that bgen, A1111, ComfyUI, InvokeAI or NovelAI wrote, and "
            "that nothing has rewritten since (chats and picture editors drop the text)."
        )
    # Whoever else wrote such a text has weights of another kind, or none.
    wrote_a1111 = "Steps:" in texts.get(PARAMETERS_KEY, "") and not fields.get("Version", "").startswith("bgen")
    return _from_a1111(fields, read_as_a1111=wrote_a1111)


# Fields that mean the same here.
_SAME = {each.in_png: each for each in PARAMETERS if each.field not in ("prompt", "negative_prompt", "scheduler")}
# Fields that say nothing about the picture, or that are spoken of elsewhere.
_SILENT = {"Prompt", "Negative prompt", "Sampler", "Schedule type", "Size", "Model", "Model hash", "Version", *_SAME}
_MOST_TOLD = 20
_READERS: Mapping[Kind, Callable[[str], Value]] = {"whole number": int, "number": float, "text": str}
_OTHER_WEIGHTS = re.compile(r"\bBREAK\b|\{[^{}]+\}|\)[+-]")


def _from_a1111(fields: Mapping[str, str], *, read_as_a1111: bool) -> Recipe:
    told: list[str] = []
    model = _model(fields, told)
    params: dict[str, Any] = {}
    tags: list[str] = []
    for parameter in PROMPTS:
        params[parameter.field], named = take_tags(_prompt(fields.get(parameter.in_png, "")))
        tags += [named] if named else []
    prompts: list[str] = list(params.values())
    if read_as_a1111 and any(map(may_read_differently, prompts)):
        params["prompt_syntax"] = "a1111"
        if any(map(has_more_than_weights, prompts)):
            told.append("Prompt editing and AND in the prompt are plain words here.")
    elif any(has_weights(text) or has_more_than_weights(text) or _OTHER_WEIGHTS.search(text) for text in prompts):
        told.append("Weights and prompt editing in the prompt are plain words here.")
    if tags:
        fields = {parameter_of("loras").in_png: ", ".join(tags), **fields}
    for name, parameter in _SAME.items():
        if name in fields:
            _take(params, name, parameter, fields[name], told)
    if "Hires upscale" in fields and params.pop("strength", None) is not None:
        told.append("Denoising strength belongs to the hires fix there, which is not here.")
    if (scheduler := _scheduler(fields, told)) is not None:
        params["scheduler"] = scheduler
    if "Size" in fields:
        told.append(f"Size {printable(fields['Size'], 60)}: {_size_here(fields['Size'])}.")
    others = [f"{name} {quoted(text, 60)} has no place here." for name, text in fields.items() if name not in _SILENT]
    told += others[:_MOST_TOLD]
    if len(others) > _MOST_TOLD:
        told.append(f"So have {len(others) - _MOST_TOLD:,} other fields.")
    if not fields.get("Version", "").startswith("bgen"):
        told.append("The noise of a seed is another one here: expect another picture.")
    return Recipe(
        params=InpaintParams(**params),
        given=frozenset(name for name, value in params.items() if value != ""),
        model=model,
        named_model=_named_model(fields),
        not_taken=tuple(told),
    )


def _prompt(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise UserInputError(f"The prompt in this PNG has {len(text):,} letters: at most {LONGEST_TEXT:,} are read.")
    return text.replace("\0", "")


def _take(params: dict[str, Any], name: str, parameter: Parameter, text: str, told: list[str]) -> None:
    try:
        value: Any = parameter.chosen(text) if parameter.kind == "name" else _READERS[parameter.kind](text)
        if isinstance(value, int):
            value -= parameter.a1111_counts_from
        # Checked with the others that are taken already: few steps can be too few for a low strength.
        InpaintParams(**params, **{parameter.field: value})
    except (ValueError, ArithmeticError):
        told.append(f"{name} {quoted(text, 60)} is no number.")
    except UserInputError as error:
        told.append(
            f"{name} {quoted(text, 60)} was not taken: {error}" if len(text) <= 60 else f"{name} is not allowed."
        )
    else:
        params[parameter.field] = value


def _size_here(text: str) -> str:
    here = "here the model decides at which size it works"
    if not (size := re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)):
        return here
    return f"{here}, unless a side is chosen; {round(math.sqrt(int(size[1]) * int(size[2])))} has as many pixels"


def _scheduler(fields: Mapping[str, str], told: list[str]) -> str | None:
    """The scheduler that A1111's sampler and schedule stand for; None where none is known."""
    sampler, schedule = fields.get("Sampler", ""), fields.get("Schedule type", "")
    if not sampler:
        return None
    if (name := scheduler_named(sampler, schedule)) is not None:
        return name
    if (name := scheduler_named(sampler)) is not None:
        told.append(f"Schedule type {quoted(schedule, 60)} of {printable(sampler, 60)} is not here.")
        return name
    told.append(
        f"Sampler {quoted(sampler, 60)} is not here: choose one of {', '.join(each.label for each in SCHEDULERS)}."
    )
    return None


def _model(fields: Mapping[str, str], told: list[str]) -> str:
    name, checksum = fields.get("Model", ""), fields.get("Model hash", "")
    if any(name == entry.name for entry in OFFERED):
        return name
    if name or checksum:
        shown = f"{quoted(name, 60)}" + (f" ({printable(checksum, 20)})" if checksum else "")
        told.append(f"Model {shown} is not in the list of models: choose the one that comes closest.")
    return ""


def _named_model(fields: Mapping[str, str]) -> str:
    name, checksum = printable(fields.get("Model", ""), 60), printable(fields.get("Model hash", ""), 20)
    return f"{name} ({checksum})" if name and checksum else name or checksum
