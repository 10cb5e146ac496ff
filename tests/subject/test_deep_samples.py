"""TIFFs whose tags and depths Pillow does not obey: right, or said."""

import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import decode_levels
from tests.subject.test_image_io import decode, saved, smooth
from tests.subject.tiff_files import (
    BITS,
    BLACK_IS_ZERO,
    BLACK_WHITE,
    CHANNELS,
    CMYK,
    COLOUR_MAP,
    EXTRA,
    FORMAT,
    INKS,
    MOST,
    PALETTE,
    PHOTOMETRIC,
    PLANES,
    RGB,
    SUBSAMPLING,
    WHITE_IS_ZERO,
    YCBCR,
    packed_twelve,
    tiff,
)

WIDTH, HEIGHT = 96, 80
RAMP = np.linspace(0, 1, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
EIGHT, TWELVE, SIXTEEN = (np.rint(RAMP * most).astype("<u2") for most in (255, 4095, 65535))
BYTES = EIGHT.astype(np.uint8)


def written(pixels: np.ndarray | bytes, tags: dict) -> bytes:
    return tiff(pixels, width=WIDTH, height=HEIGHT, tags=tags)


def colours(grey: np.ndarray, **tags: int) -> np.ndarray:
    return grey[..., None].repeat(3, 2)


@pytest.mark.parametrize(
    ("pixels", "tags", "is_said"),
    [
        pytest.param(SIXTEEN, {BITS: 16}, False, id="16 bits"),
        pytest.param(TWELVE, {BITS: 16}, True, id="12 bits in 16"),
        pytest.param(TWELVE, {BITS: 16, MOST: 4095}, False, id="12 bits in 16, told"),
        pytest.param(EIGHT, {BITS: 16}, True, id="8 bits in 16"),
        pytest.param(packed_twelve(TWELVE), {BITS: 12}, False, id="12 bits, packed"),
        pytest.param(65535 - SIXTEEN, {BITS: 16, PHOTOMETRIC: WHITE_IS_ZERO}, False, id="16 bits, white is 0"),
        pytest.param(4095 - TWELVE, {BITS: 16, PHOTOMETRIC: WHITE_IS_ZERO}, True, id="12 bits in 16, white is 0"),
        pytest.param(255 - BYTES, {PHOTOMETRIC: WHITE_IS_ZERO}, False, id="8 bits, white is 0"),
        pytest.param(RAMP.astype("<f4"), {BITS: 32, FORMAT: 3}, True, id="float"),
        pytest.param(
            (1 - RAMP).astype("<f4"), {BITS: 32, FORMAT: 3, PHOTOMETRIC: WHITE_IS_ZERO}, True, id="float, white is 0"
        ),
        pytest.param(BYTES, {PHOTOMETRIC: PALETTE, COLOUR_MAP: [*range(0, 65536, 257)] * 3}, False, id="palette"),
        pytest.param(BYTES, {PHOTOMETRIC: PALETTE, COLOUR_MAP: [*range(256)] * 3}, False, id="palette of 8 bits"),
        pytest.param(
            colours(SIXTEEN), {BITS: [16] * 3, CHANNELS: 3, PHOTOMETRIC: RGB}, False, id="16 bits in colour"
        ),
        pytest.param(
            np.stack([BYTES] * 3), {BITS: [8] * 3, CHANNELS: 3, PHOTOMETRIC: RGB, PLANES: 2}, False, id="planes"
        ),
    ],
)  # fmt: skip
def test_greys_come_out_right(pixels: np.ndarray | bytes, tags: dict, is_said: bool) -> None:
    photo = decode(written(pixels, tags))
    # Half a step for rounding to 8 bits, half for rounding to 12; Pillow cuts 16 bits in colour off where others round.
    most = 1.0 if CHANNELS in tags else 0.5 + 0.5 * 255 / 4095 + 1e-3
    assert np.abs(photo.image - colours(RAMP) * 255).max() <= most
    assert bool(photo.notes) == is_said


def test_a_dark_picture_of_sixteen_bits_is_said_and_left_as_it_is() -> None:
    samples = np.rint(RAMP * 9000).astype("<u2")
    photo = decode(written(samples, {BITS: 16}))
    np.testing.assert_array_equal(photo.image[..., 0], np.rint(samples / 257).astype(np.uint8))
    assert photo.notes == ("Its samples go up to 9,000 of 65,535: they were read as 0 to 65,535.",)


def test_a_mask_with_few_dark_samples_is_no_mask_of_twelve_bits() -> None:
    levels = decode_levels(written(EIGHT, {BITS: 16}), name="x", extent=Extent(width=WIDTH, height=HEIGHT))
    assert levels.max() == 1


def test_transparency_of_a_palette() -> None:
    pixels = np.dstack([BYTES, BYTES[::-1]])
    photo = decode(
        written(
            pixels,
            {BITS: [8, 8], CHANNELS: 2, EXTRA: 2, PHOTOMETRIC: PALETTE, COLOUR_MAP: [*range(0, 65536, 257)] * 3},
        )
    )
    np.testing.assert_array_equal(photo.image, colours(BYTES))
    np.testing.assert_array_equal(np.rint(photo.alpha * 255), BYTES[::-1])


@pytest.mark.parametrize("most", [255, 65535])
def test_cmyk(most: int) -> None:
    ink = np.dstack([RAMP, RAMP[::-1], RAMP[:, ::-1], RAMP / 2])
    kind = "<u2" if most > 255 else np.uint8
    tags = {BITS: [16 if most > 255 else 8] * 4, CHANNELS: 4, PHOTOMETRIC: CMYK}
    photo = decode(written(np.rint(ink * most).astype(kind), tags))
    expected = (1 - ink[..., :3]) * (1 - ink[..., 3:]) * 255
    # Inks of 8 bits: half a step each for three of them, one where 16 bits are cut off, and half for the result
    assert np.abs(photo.image - expected).max() <= 3


def test_ycbcr() -> None:
    rgb = np.dstack([RAMP, RAMP[::-1], RAMP[:, ::-1]]) * 255
    y = rgb @ [0.299, 0.587, 0.114]
    ycc = np.dstack([y, 128 + (rgb[..., 2] - y) / 1.772, 128 + (rgb[..., 0] - y) / 1.402])
    tags = {BITS: [8] * 3, CHANNELS: 3, PHOTOMETRIC: YCBCR, SUBSAMPLING: [1, 1]}
    pixels = np.rint(ycc).clip(0, 255).astype(np.uint8)
    photo = decode(written(pixels, tags))
    # Half a step of brightness, and of the two colours 1.772 times one or .34 + .71 times both; one for Pillow's own
    assert np.abs(photo.image - rgb).max() <= 0.5 + 0.886 + 1.5
    assert not photo.notes
    full = [0.0, 255.0, 128.0, 255.0, 128.0, 255.0]
    assert not decode(written(pixels, {**tags, BLACK_WHITE: full})).notes
    (note,) = decode(written(pixels, {**tags, BLACK_WHITE: [16.0, 235.0, 128.0, 240.0, 128.0, 240.0]})).notes
    assert note == "Its black and white (16, 235, 128, 240, 128, 240) were not followed."


def test_twelve_bits_of_colour_are_said() -> None:
    photo = decode(written(colours(TWELVE), {BITS: [16] * 3, CHANNELS: 3, PHOTOMETRIC: RGB}))
    assert [note.partition(":")[0] for note in photo.notes] == ["It is nearly black"]


def test_inks_that_say_nothing_about_being_inverted_are_said() -> None:
    ink = saved(smooth().convert("CMYK"), "JPEG")
    assert not decode(ink).notes
    start = ink.index(b"\xff\xee")
    bare = ink[:start] + ink[start + 16 :]
    assert decode(bare).notes[0].startswith("It holds CMYK and does not say whether its inks are inverted")


@pytest.mark.parametrize(
    ("pixels", "tags", "said"),
    [
        (packed_twelve(colours(TWELVE)), {BITS: [12] * 3, CHANNELS: 3, PHOTOMETRIC: RGB}, "samples that are not read"),
        (colours(RAMP).astype("<f4"), {BITS: [32] * 3, CHANNELS: 3, PHOTOMETRIC: RGB, FORMAT: [3] * 3}, "not read"),
        (RAMP.astype("<f8"), {BITS: 64, FORMAT: 3}, "samples that are not read here: save it as RGB with 8 bits"),
        (colours(BYTES), {BITS: [8] * 3, CHANNELS: 3, PHOTOMETRIC: CMYK, INKS: 2}, "not read here"),
        (colours(BYTES), {BITS: [8] * 3, CHANNELS: 3, PHOTOMETRIC: YCBCR}, "uncompressed YCbCr with 2×2 subsampling"),
        (np.int32(70000) * np.ones((HEIGHT, WIDTH), "<i4"), {BITS: 32, FORMAT: 2}, "samples from 70000 to 70000"),
        (RAMP.astype("<f4") - 1, {BITS: 32, FORMAT: 3, PHOTOMETRIC: BLACK_IS_ZERO}, "samples from -1 to 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_called_damaged_alone(pixels: np.ndarray | bytes, tags: dict, said: str) -> None:
    with pytest.raises(UserInputError) as refusal:
        decode(written(pixels, tags))
    assert said in str(refusal.value)
