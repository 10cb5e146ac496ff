"""What there is to say about a cut-out, in sentences that the mask page and the command line share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bgen_core.subject.mask_share import can_be_mask, kept_share
from bgen_core.subject.regions import LEAST_PERSON, Side
from bgen_core.subject.segmentation import Segmentation
from bgen_core.wording import counted, listed

Kind = Literal[
    "no person", "not sure", "several persons", "unsure regions", "low resolution", "cut by the frame", "transparency"
]  # fmt: skip
Level = Literal["warning", "note"]

_UNSURE_SAID = 0.05  # of the kept area: less is not worth a sentence


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One thing that a person should know before they use a mask.

    Attributes
    ----------
    level
        "warning" where the mask is likely to be wrong, "note" where it is right and has a limit.
    says
        What was seen, in one sentence.
    advice
        What can be done about it on the mask page, in one sentence.
    """

    kind: Kind
    level: Level
    says: str
    advice: str


def remarks_about(found: Segmentation) -> tuple[Remark, ...]:
    """Everything there is to say about what a segmenter found, the most important first.

    Nothing of it forbids anything: a pet or a thing can be kept as well as a person.
    """
    return tuple(_remarks(found))


def remark_about_transparency(alpha: np.ndarray) -> Remark | None:
    """What there is to say about a file's own transparency (float32, HW, in [0, 1]); None where it can be a mask."""
    if can_be_mask(alpha):
        return None
    share = kept_share(alpha)
    kept = round(share * alpha.size)
    rest = f"all but {counted(alpha.size - kept, 'pixel')}" if share > 0.5 else counted(kept, "pixel")
    return Remark(
        kind="transparency",
        level="warning",
        says=f"The file's own transparency keeps {share:.1%} of the photo ({rest}): it may be no mask.",
        advice="Choose below where the mask comes from.",
    )


def doubts_about(found: Segmentation) -> list[str]:
    """Why an automatic mask should be looked at before it is used, a sentence each; nothing where it is a good one."""
    if found.person_found:
        return []
    warnings = [remark.says for remark in remarks_about(found) if remark.level == "warning"]
    return warnings or ["The mask is unsure."]


def _remarks(found: Segmentation) -> Iterator[Remark]:
    if found.box is None or found.persons == 0:
        yield Remark(
            kind="no person",
            level="warning",
            says="No person was found in this photo.",
            advice="Draw around what to keep with Add and Lasso, or use the brush: a person, a pet or a thing.",
        )
        return
    if not found.person_found:
        yield Remark(
            kind="not sure",
            level="warning",
            says=f"It is not sure that this is a person (confidence {found.score:.0%}): "
            "the mask holds what stands out most.",
            advice="Check it in the preview, and correct it with the brush; for a pet or a thing press Empty, then "
            "draw around it with Add and Lasso.",
        )
    who = "person" if found.person_found else "region"
    bodies = len(found.people.bodies) if found.people else 0
    if bodies > found.persons > 0:
        yield Remark(
            kind="several persons",
            level="note",
            says=f"{bodies} persons were seen where the mask has {counted(found.persons, 'region')}: some touch.",
            advice="To part them, take Object and Erase, and click on who should go.",
        )
    elif found.persons > 1:
        yield Remark(
            kind="several persons",
            level="note",
            says=f"{found.persons} separate {who}s were found, and all are kept.",
            advice="Click on them with the tool Choose, or choose by number who should stay; "
            "people who touch count as one, the brush parts them.",
        )
    unsure = _unsure_share(found)
    if found.person_found and unsure > _UNSURE_SAID:
        yield Remark(
            kind="unsure regions",
            level="note",
            says=f"{unsure:.0%} of the mask is unsure.",
            advice="Look at the hatched parts, and paint over them with Add or Erase.",
        )
    smallest = min((region.box.extent.longest_side for region in found.regions.items), default=LEAST_PERSON)
    if smallest < LEAST_PERSON:
        yield Remark(
            kind="low resolution",
            level="note",
            says=f"A {who} of {smallest} pixels is small for a good edge: "
            f"the networks look at {LEAST_PERSON} pixels, and see no more than the photo has.",
            advice="Use a larger photo, or correct the edge with a small brush.",
        )
    if found.cut_sides:
        yield Remark(
            kind="cut by the frame",
            level="note",
            says=f"The {who} is cut off by the frame {where(found.cut_sides)}.",
            advice="A new background cannot complete what is missing: it stands at the same edge of every picture.",
        )


def _unsure_share(found: Segmentation) -> float:
    """Unsure pixels, relative to those kept."""
    kept = np.count_nonzero(found.kept_confidence > 0.5)
    return float(np.count_nonzero(found.unsure) / max(1, kept))


def where(sides: tuple[Side, ...]) -> str:
    """These sides of the frame, as a sentence names them."""
    names = {"left": "on the left", "top": "at the top", "right": "on the right", "bottom": "at the bottom"}
    return listed([names[side] for side in sides])
