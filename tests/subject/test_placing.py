"""A subject on a larger canvas: where it stands, which of its pixels stay the photo's own, and what is refused."""

from itertools import product

import numpy as np
import pytest
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.models.backgrounds.canvas_text import ANCHORS, anchor_named, canvas_extent, canvas_named
from bgen_core.subject.pasting.compositing import CompositeOptions, composite
from bgen_core.subject.placing import Composition
from bgen_core.subject.subject import Subject
from tests.made_up import picture

SHADOWS = CompositeOptions(shadow=0.7, ground_shadow=0.6, edge_softness=1.0)


def subject(width: int = 101, height: int = 67, kept: Box | None = None) -> Subject:
    """Noise, of which a box with a soft left edge is kept."""
    kept = kept or Box(left=41, top=20, right=60, bottom=height)
    alpha = np.zeros((height, width), np.float32)
    alpha[kept.slices] = 1
    alpha[kept.top : kept.bottom, kept.left] = np.float32(0.4)
    return Subject(name="Ada", image=picture(1, Extent(width=width, height=height)), alpha=alpha)


@pytest.mark.parametrize(
    ("text", "named"),
    [("photo", "photo"), ("", "photo"), ("Square", "1:1"), ("story", "9:16"), ("32:18", "16:9"), ("3 : 2", "3:2"),
     ("1920x1080", "1920x1080"), ("1920 × 1080", "1920x1080"), ("0640X0480", "640x480")],
)  # fmt: skip
def test_a_canvas_has_one_name(text: str, named: str) -> None:
    assert canvas_named(text) == named


@pytest.mark.parametrize(
    ("text", "said"),
    [("large", "is not known: write photo, an aspect such as 16:9, or a size such as 1920x1080"),
     ("4:1", "an aspect is 1:3 to 3:1"), ("0:1", "an aspect is 1:3 to 3:1"),
     ("20x20", "its sides are 64 to 16384 px"), ("99999x100", "its sides are 64 to 16384 px"),
     ("-1x5", "is not known"), ("16:9:4", "is not known"), ("１６:9", "is not known")],
)  # fmt: skip
def test_what_is_no_canvas_is_said(text: str, said: str) -> None:
    with pytest.raises(UserInputError, match=said):
        canvas_named(text)


def test_anchors_are_read_as_people_write_them() -> None:
    assert [anchor_named(text) for text in ("Top left", "left-top", "centre", "bottom center", "middle")] == [
        "top-left", "top-left", "center", "bottom", "center",
    ]  # fmt: skip
    assert anchor_named("north") is None
    assert all(anchor_named(each) == each for each in ANCHORS)


@pytest.mark.parametrize("photo", [Extent(width=101, height=67), Extent(width=67, height=101)], ids=str)
@pytest.mark.parametrize("canvas", ["1:1", "4:5", "16:9", "9:16", "3:1"])
def test_an_aspect_holds_the_whole_photo_and_nothing_more(canvas: str, photo: Extent) -> None:
    made = canvas_extent(canvas, photo)
    across, down = map(int, canvas.split(":"))
    assert made.width >= photo.width
    assert made.height >= photo.height
    assert made.width == photo.width or made.height == photo.height
    # Rounded up to a whole pixel on the side that goes on
    assert abs(made.width * down - made.height * across) < max(across, down)


@pytest.mark.parametrize(("canvas", "anchor"), list(product(["131x97", "130x98", "1:1", "9:16"], ANCHORS)))
def test_the_photo_at_scale_1_is_its_own_pixels(canvas: str, anchor: str) -> None:
    of = subject()
    placed = Composition(canvas=canvas, anchor=anchor).place(of)
    made, box = placed.subject, placed.box
    assert np.array_equal(made.image[box.slices], of.image)
    assert np.array_equal(made.alpha[box.slices], of.alpha)
    outside = np.ones(made.alpha.shape, bool)
    outside[box.slices] = False
    assert not made.alpha[outside].any()
    touched = {
        "left": box.left == 0, "right": box.right == made.extent.width,
        "top": box.top == 0, "bottom": box.bottom == made.extent.height,
    }  # fmt: skip
    assert all(touched[word] for word in anchor.split("-") if word != "center")


@pytest.mark.parametrize("canvas", ["131x97", "131x96", "9:16", "64x64"])
def test_the_subject_of_a_composite_is_the_photo_bit_for_bit(canvas: str) -> None:
    of = subject()
    placed = Composition(canvas=canvas, anchor="center").place(of)
    background = picture(2, Extent(width=64, height=64))
    options = placed.pasting(CompositeOptions(shadow=0.7))
    made = composite(placed.subject.image, placed.subject.alpha, background, options=options)
    shift = placed.box.top, placed.box.left
    for y, x in zip(*np.nonzero(of.alpha == 1), strict=True):
        assert np.array_equal(made[y + shift[0], x + shift[1]], of.image[y, x])


def test_a_photo_larger_than_the_canvas_shows_its_subject_whole() -> None:
    of = subject(300, 200, Box(left=200, top=100, right=290, bottom=180))
    for anchor in ANCHORS:
        placed = Composition(canvas="100x90", anchor=anchor).place(of)
        assert (placed.subject.alpha > 0.5).sum() == (of.alpha > 0.5).sum()
        kept = np.argwhere(placed.subject.alpha == 1)
        assert np.array_equal(placed.subject.image[kept[:, 0], kept[:, 1]], of.image[of.alpha == 1])


@pytest.mark.parametrize("scale", [0.5, 0.37, 2.0])
def test_another_scale_is_pillows_lanczos_once(scale: float) -> None:
    of = subject()
    placed = Composition(canvas="301x211", scale=scale).place(of)
    size = round(101 * scale), round(67 * scale)
    assert (placed.box.extent.width, placed.box.extent.height) == size
    expected = Image.fromarray(of.image).resize(size, Image.Resampling.LANCZOS)
    assert np.array_equal(placed.subject.image[placed.box.slices], np.array(expected))
    assert placed.receipts(CompositeOptions())["resampling"] == f"Lanczos to {size[0]} × {size[1]}"


def test_a_large_scale_computes_only_what_is_seen() -> None:
    of = subject(3000, 2000, Box(left=1500, top=900, right=1510, bottom=910))
    placed = Composition(canvas="100x90", scale=4.0).place(of)
    assert placed.subject.extent == Extent(width=100, height=90)
    assert placed.box.extent == Extent(width=12000, height=8000)
    assert int((placed.subject.alpha > 0.5).sum()) == pytest.approx(40 * 36, rel=0.15)


def test_a_smaller_subject_stands_in_the_photos_own_frame() -> None:
    placed = Composition(scale=0.5, anchor="bottom-right").place(subject())
    assert placed.subject.extent == Extent(width=101, height=67)
    assert placed.box == Box(left=101 - 50, top=67 - 34, right=101, bottom=67)


@pytest.mark.parametrize(
    ("composition", "said"),
    [(Composition(canvas="64x64"), None),
     (Composition(canvas="80x64"), "20 × 67 pixels and does not fit a canvas of 80 × 64.* 0.95 or less"),
     (Composition(scale=4.0), "choose a larger canvas, or a subject scale of 1 or less")],
)  # fmt: skip
def test_a_canvas_smaller_than_its_subject_is_said(composition: Composition, said: str | None) -> None:
    if said is None:
        assert composition.place(subject(kept=Box(left=0, top=0, right=20, bottom=64))).subject.extent.width == 64
        return
    with pytest.raises(UserInputError, match=said):
        composition.place(subject(kept=Box(left=40, top=0, right=61, bottom=67)))


def test_an_aspect_beyond_the_limit_is_said() -> None:
    photo = Extent(width=4000, height=3000)
    Composition(canvas="16:9").check_area(photo, 50_000_000)
    with pytest.raises(UserInputError, match=r"'9:16' is 4000 × 7112 pixels around .*at most 20 megapixels"):
        Composition(canvas="9:16").check_area(photo, 20_000_000)
    Composition().check_area(photo, 1)  # the photo itself was let in


@pytest.mark.parametrize(("anchor", "throws"), [("top", False), ("center", False), ("bottom", True)])
def test_what_a_photo_cuts_off_in_the_air_throws_no_shadow(anchor: str, throws: bool) -> None:
    placed = Composition(canvas="1:1", anchor=anchor).place(subject())
    options = placed.pasting(SHADOWS)
    assert (options.shadow, options.ground_shadow, options.edge_softness) == (
        (0.7, 0.6, 1.0) if throws else (0, 0, 1.0)
    )
    assert ("shadow" in placed.receipts(SHADOWS)) is not throws
    assert "shadow" not in placed.receipts(CompositeOptions())


def test_who_stands_free_keeps_the_shadow_in_the_air_of_a_canvas() -> None:
    placed = Composition(canvas="1:1", anchor="top").place(subject(kept=Box(left=40, top=10, right=60, bottom=50)))
    assert placed.pasting(SHADOWS) == SHADOWS


def test_around_the_photo_stand_the_colours_of_its_background() -> None:
    kept = Box(left=30, top=0, right=70, bottom=67)
    of = subject(kept=kept)
    image = np.full((67, 101, 3), (40, 90, 160), np.uint8)
    image[kept.slices] = (250, 20, 20)
    placed = Composition(canvas="9:16", anchor="center").place(Subject(name="Ada", image=image, alpha=of.alpha))
    above = placed.subject.image[: placed.box.top].astype(int)
    assert np.abs(above - (40, 90, 160)).max() <= 3  # averages in 8 bits


def test_a_subject_that_fills_its_photo_has_surroundings() -> None:
    whole = Subject(name="Ada", image=picture(1), alpha=np.ones((32, 48), np.float32))
    made = Composition(canvas="1:1").place(whole).subject
    assert made.extent == Extent(width=48, height=48)
    assert 0 < made.image[:16].mean() < 255


def test_placing_is_the_same_each_time() -> None:
    def placed(anchor: str) -> Subject:
        return Composition(canvas="16:9", scale=0.7, anchor=anchor).place(subject()).subject

    assert placed("bottom").id == placed("bottom").id != placed("top").id
