"""Runs as a table: one row of `FIELDS` is one column, everywhere it is shown, filtered, compared or exported."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bgen_core.models.catalogue import describe_model
from bgen_core.models.families import BACKDROP_FIELDS
from bgen_core.parameters import PARAMETERS, PROMPTS, Parameter
from bgen_core.records.run import MadeRun, RunRecord
from bgen_core.runs.links import run_url, thumbnail_url

FieldKind = Literal["choice", "number", "time", "id", "picture", "link"]


@dataclass(frozen=True, kw_only=True)
class RunField:
    """One property of a run.

    Attributes
    ----------
    name
        Column of the table and of the CSV, in diffusers' words.
    label
        What a person reads, with its unit.
    help
        One sentence that explains it.
    read
        What is shown.
    identity
        What decides whether two runs agree in it; by default what is shown.
    kind
        How it is filtered and shown: one of some texts, a number, a time, the run's address, a picture or link.
    makes_the_picture
        Whether it belongs to what made the picture, and so to the comparison; times and addresses do not.
    zero
        What 0 stands for, where it is no number of its own.
    """

    name: str
    label: str
    help: str
    read: Callable[[MadeRun], Any]
    identity: Callable[[MadeRun], Any] | None = None
    kind: FieldKind = "choice"
    makes_the_picture: bool = True
    zero: str = ""

    def key(self, run: MadeRun) -> Any:
        return (self.identity or self.read)(run)

    def in_words(self, run: MadeRun) -> str:
        """What is shown, as a person reads it."""
        value = self.read(run)
        return self.zero if self.zero and value == 0 else shown(value)


_MADE_ON = {
    "gpu": "GPU",
    "driver": "Driver",
    "processor": "Processor",
    "instructions": "Instructions",
    "host": "Host",
    "batch_rows": "Rows of a call, at most",
    "quantum": "Calls filled to multiples of",
}


def made_on_in_words(run: MadeRun) -> dict[str, str]:
    """What painted a run, label -> text, in the order in which it is read; empty for runs of earlier versions."""
    known = {label: run.made_on[name] for name, label in _MADE_ON.items() if name in run.made_on}
    return known | {name: text for name, text in run.made_on.items() if name not in _MADE_ON}


def painting_seconds(stages: Mapping[str, float]) -> float:
    """Seconds over all stages of a run; NaN where nothing was painted for it, and it was only pasted."""
    return round(sum(stages.values()), 3) if {"denoise", "background"} & stages.keys() else math.nan


def known_memory(peak_memory_mb: float) -> float:
    """Peak memory in MB; NaN where the record has none, as of a run that was only pasted."""
    return round(peak_memory_mb, 1) if peak_memory_mb > 0 else math.nan


def _versions(run: MadeRun) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))


def _parameter_field(parameter: Parameter) -> RunField:
    return RunField(
        name=parameter.field,
        label=parameter.heading,
        help=parameter.help,
        read=lambda run: getattr(run.params, parameter.field),
        kind="number" if parameter.is_numeric else "choice",
        zero=parameter.zero,
    )


FIELDS: tuple[RunField, ...] = (
    RunField(
        name="created",
        label="Made",
        help="When the run was committed.",
        read=lambda run: run.created,
        kind="time",
        makes_the_picture=False,
    ),
    RunField(
        name="subject",
        label="Subject",
        help="Name of the photo with its mask; the same name with another mask is another subject.",
        read=lambda run: run.subject_name,
        identity=lambda run: run.subject_id,
    ),
    *map(_parameter_field, PROMPTS),
    RunField(name="model", label="Model", help="The diffusion model.", read=lambda run: run.model),
    *(_parameter_field(parameter) for parameter in PARAMETERS if parameter not in PROMPTS),
    RunField(
        name="seconds",
        label="Time (s)",
        help="Seconds over all stages, of a run whose background was painted for it; lower is better.",
        read=lambda run: painting_seconds(run.seconds),
        kind="number",
        makes_the_picture=False,
    ),
    RunField(
        name="peak_memory_mb",
        label="Peak memory (MB)",
        help="Highest memory of the device (GPU) or the process (CPU); lower is better.",
        read=lambda run: known_memory(run.peak_memory_mb),
        kind="number",
        makes_the_picture=False,
    ),
    RunField(name="size", label="Size (px)", help="Size of the picture.", read=lambda run: str(run.extent)),
    RunField(
        name="model_size",
        label="Model size (px)",
        help="Size at which the model worked.",
        read=lambda run: str(run.model_extent),
    ),
    RunField(name="device", label="Device", help="Where it was computed.", read=lambda run: run.device),
    RunField(name="dtype", label="Precision", help="Number format of the computation.", read=lambda run: run.dtype),
    RunField(
        name="model_revision",
        label="Model revision",
        help="The exact weights: a Hub commit, or the hash of the local files.",
        read=lambda run: run.model_revision,
    ),
    RunField(
        name="versions",
        label="Library versions",
        help="Versions of the libraries that can change pixels.",
        read=_versions,
    ),
    RunField(
        name="id",
        label="Run",
        help="The run's content address: equal parameters have the same.",
        read=lambda run: run.id,
        kind="id",
        makes_the_picture=False,
    ),
    RunField(
        name="thumbnail",
        label="Picture",
        help="The finished picture.",
        read=lambda run: thumbnail_url(run.image, 96) if isinstance(run, RunRecord) else "",
        kind="picture",
        makes_the_picture=False,
    ),
    RunField(
        name="permalink",
        label="Open",
        help="The run on a page of its own.",
        read=lambda run: run_url(run.id),
        kind="link",
        makes_the_picture=False,
    ),
)


def acts(field: RunField, run: MadeRun) -> bool:
    """Whether it says something of a run: a background without diffusion has no steps, and a painted one no colour."""
    family = describe_model(run.model).family
    return field.name not in (family.ignored if family.backdrop else BACKDROP_FIELDS)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """In what several runs differ, and what they share; each field stands in one of the two."""

    differing: tuple[RunField, ...]
    same: tuple[RunField, ...]


def differing_parameters(runs: Sequence[RunRecord]) -> Comparison:
    """Sort what made the pictures into what differs between the runs and what is the same in all of them."""
    compared = [each for each in FIELDS if each.makes_the_picture]
    differs = {each.name: len({each.key(run) for run in runs}) > 1 for each in compared}
    return Comparison(
        differing=tuple(each for each in compared if differs[each.name]),
        same=tuple(each for each in compared if not differs[each.name]),
    )


def shown_apart(field: RunField, runs: Sequence[RunRecord]) -> list[str]:
    """A field's values for a comparison: where two runs differ in it but read the same, with what tells them apart."""
    named = [(field.in_words(run), field.key(run)) for run in runs]
    times = Counter(value for value, _ in set(named))
    return [f"{value} ({str(key)[:8]})" if times[value] > 1 else value for value, key in named]


def shown(value: object) -> str:
    """A field's value as a person reads it: numbers without needless digits, "none" where there is nothing."""
    if isinstance(value, float):
        return "none" if math.isnan(value) else f"{value:.10g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S %Z}"
    return str(value) or "none"
