"""File names for many runs' pictures: what varies among them stands in each name."""

import re
from collections.abc import Sequence

from bgen_core.ids import RunId
from bgen_core.parameters import PARAMETERS
from bgen_core.records.run import RunRecord
from bgen_core.runs.links import download_name
from bgen_core.runs.short_texts import short_texts
from bgen_core.runs.table import RunField, differing_parameters, shown_apart

_LONGEST_VALUE = 40
_LONGEST_NAME = 180  # file systems take 255 bytes, and unpacked names stand in folders
_IN_EACH_NAME = {"subject", "subject_id", *(parameter.field for parameter in PARAMETERS if parameter.short)}
_CAN_VARY = {"model", *(parameter.field for parameter in PARAMETERS)}


def file_names(runs: Sequence[RunRecord]) -> dict[RunId, str]:
    """Run -> name of its picture without its ending: as it is saved alone, with whatever else varies among the runs.

    Long texts are given in the words that tell them apart; what is written in other letters than a to z by its place
    among the values.
    """
    fields = [
        field
        for field in differing_parameters(runs).differing
        if field.name in _CAN_VARY and field.name not in _IN_EACH_NAME
    ]
    told = [_told(field, runs) for field in fields]
    names: dict[RunId, str] = {}
    for place, run in enumerate(runs):
        alone, _, short_id = download_name(run).removesuffix(".png").rpartition("_")
        varied = "_".join([alone, *(texts[place] for texts in told)])
        names[run.id] = f"{varied[:_LONGEST_NAME]}_{short_id}"
    return names


def _told(field: RunField, runs: Sequence[RunRecord]) -> list[str]:
    texts = shown_apart(field, runs)
    known = list(dict.fromkeys(texts))
    slugs = {text: _slug(short) for text, short in zip(known, short_texts(known, _LONGEST_VALUE), strict=True)}
    if len(set(slugs.values())) < len(known):
        slugs = {text: f"{place + 1}-{slugs[text]}".rstrip("-") for place, text in enumerate(known)}
    label = _slug(field.label.partition(" (")[0].lower())
    return [f"{label}-{slugs[text]}" for text in texts]


def _slug(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text, flags=re.ASCII).strip("-.")[:_LONGEST_VALUE].rstrip("-.")
