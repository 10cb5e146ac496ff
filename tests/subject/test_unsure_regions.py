import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.edit import MaskEdit, Stroke
from bgen_core.subject.segmentation import Segmentation
from bgen_core.subject.unsure_regions import undecided

PHOTO, WHOLE = Extent(width=1000, height=1000), Box(left=0, top=0, right=1000, bottom=1000)
SHOWN = Extent(width=500, height=500)
CONFIDENCE = np.zeros((100, 100), np.float32)
CONFIDENCE[20:80, 10:40] = CONFIDENCE[20:80, 60:90] = 1
CONFIDENCE[40:60, 15:35] = 0.6  # in the left person
FOUND = Segmentation(
    extent=PHOTO, working_confidence=CONFIDENCE, agreement=0.9, unsure_share=0.1, box=WHOLE, persons=2
)  # fmt: skip


def test_it_lies_where_the_networks_doubt() -> None:
    shown = undecided(FOUND, MaskEdit(), WHOLE, SHOWN)
    assert shown.shape == (500, 500)
    assert shown[210:290, 85:165].all()
    assert not shown[:190].any()
    assert not shown[:, 180:].any()


def test_a_part_of_the_photo() -> None:
    part = undecided(FOUND, MaskEdit(), Box(left=200, top=450, right=450, bottom=700), SHOWN)
    assert part[:200, :200].all()
    assert not part[310:].any()
    assert not part[:, 310:].any()


def test_what_was_painted_over_is_decided_either_way() -> None:
    for mode in ("add", "erase"):
        stroke = Stroke(mode=mode, size=1, shape="rectangle", points=((0, 0), (1000, 500)))
        shown = undecided(FOUND, MaskEdit(strokes=(stroke,)), WHOLE, SHOWN)
        assert not shown[:250].any()
        assert shown[252:290, 85:165].all()


def test_nobody_doubts_whom_is_left_out() -> None:
    left, right = FOUND.regions.items
    assert undecided(FOUND, MaskEdit(kept_regions=(left.centre,)), WHOLE, SHOWN).any()
    assert not undecided(FOUND, MaskEdit(kept_regions=(right.centre,)), WHOLE, SHOWN).any()
