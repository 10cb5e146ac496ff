from dataclasses import replace

import numpy as np
import pytest

from bgen_core.extent import Box, Extent
from bgen_core.subject.remarks import remark_about_transparency, remarks_about
from bgen_core.subject.segmentation import Segmentation, default_segmenter

PHOTO = Extent(width=1000, height=1000)


def seen(*rectangles: tuple[slice, slice], doubt: tuple[slice, slice] | None = None, **fields) -> Segmentation:
    """Rectangles on a map of a tenth of the photo's size."""
    confidence = np.zeros((100, 100), np.float32)
    for rectangle in rectangles:
        confidence[rectangle] = 1
    if doubt:
        confidence[doubt] = 0.5
    values = {"agreement": 0.95, "unsure_share": 0.1, "persons": len(rectangles)}
    values["box"] = Box(left=0, top=0, right=9, bottom=9) if rectangles else None
    return Segmentation(extent=PHOTO, working_confidence=confidence, **(values | fields))


LARGE, OTHER = (slice(20, 80), slice(10, 40)), (slice(30, 80), slice(60, 80))


def kept(share: float) -> np.ndarray:
    alpha = np.zeros(10_000, np.float32)
    alpha[: round(share * 10_000)] = 1
    return alpha.reshape(100, 100)


@pytest.mark.parametrize(
    ("alpha", "said"),
    [
        (kept(0.99), "keeps 99.0% of the photo (all but 100 pixels): it may be no mask"),
        (kept(1), "keeps 100.0%"),
        (kept(0.002), "keeps 0.2% of the photo (20 pixels)"),
        (np.full((10, 10), 0.4, np.float32), "keeps 0.0%"),
        (kept(0.03), None),
        (kept(0.9), None),
    ],
)
def test_a_transparency_that_may_be_no_mask_is_told(alpha: np.ndarray, said: str | None) -> None:
    remark = remark_about_transparency(alpha)
    assert (remark is None) if said is None else (remark is not None and said in remark.says)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (seen(), ["no person"]),
        (seen(LARGE), []),
        (seen(LARGE, agreement=0.5), ["not sure"]),
        (seen(LARGE, OTHER), ["several persons"]),
        (seen(LARGE, doubt=(slice(40, 60), slice(40, 60))), ["unsure regions"]),
        (seen((slice(40, 60), slice(40, 50))), ["low resolution"]),
        (seen((slice(20, 100), slice(10, 40))), ["cut by the frame"]),
        (seen((slice(0, 100), slice(0, 9)), OTHER, agreement=0.1), ["not sure", "several persons", "cut by the frame"]),
    ],
)
def test_what_is_said(found: Segmentation, kinds: list[str]) -> None:
    remarks = remarks_about(found)
    assert [remark.kind for remark in remarks] == kinds
    for remark in remarks:
        assert remark.says.endswith(".")
        assert remark.advice.endswith(".")
        assert (remark.level == "warning") == (remark.kind in ("no person", "not sure"))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (seen(LARGE, agreement=0.6), "not sure that this is a person (confidence 54%)"),
        (seen(LARGE, OTHER), "2 separate persons were found, and all are kept."),
        (seen(LARGE, OTHER, agreement=0.1), "2 separate regions were found"),
        (seen((slice(40, 60), slice(40, 50))), "A person of 200 pixels is small for a good edge"),
        (seen((slice(0, 100), slice(0, 9))), "cut off by the frame on the left, at the top and at the bottom."),
    ],
)
def test_sentences_hold_the_values(found: Segmentation, said: str) -> None:
    assert any(said in remark.says for remark in remarks_about(found))


def test_on_photos(astronaut: np.ndarray, sample_photos: dict[str, np.ndarray]) -> None:
    assert {remark.kind for remark in remarks_about(default_segmenter().segment(astronaut))} >= {"cut by the frame"}
    assert remarks_about(default_segmenter().segment(sample_photos["Cup of coffee"]))[0].kind == "not sure"
    wall = np.full((300, 300, 3), 200, np.uint8)
    assert [remark.kind for remark in remarks_about(default_segmenter().segment(wall))] == ["no person"]


def test_bodies_in_one_region_are_told_with_the_way_to_part_them(astronaut: np.ndarray) -> None:
    found = default_segmenter().segment(astronaut)
    assert found.people is not None
    (body,) = found.people.bodies
    pair = replace(found, people=replace(found.people, bodies=(body, body)))
    said = {remark.kind: remark for remark in remarks_about(pair)}["several persons"]
    assert said.says == "2 persons were seen where the mask has 1 region: some touch."
    assert "Object and Erase" in said.advice
    assert "several persons" not in {remark.kind for remark in remarks_about(found)}
