"""Files of strangers are decoded elsewhere: the same pixels, and one sentence for what would have taken the server."""

import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.decoding import foreign_pictures
from bgen_core.subject.decoding.foreign_pictures import decode_foreign_alpha, decode_foreign_photo, look_at, measure
from bgen_core.subject.decoding.image_io import DecodeLimits, decode_alpha, decode_photo, encode_png
from bgen_core.subject.samples.samples import SAMPLES

LIMITS = DecodeLimits(max_bytes=10**7, max_pixels=10**6, min_side=1)
DECODERS: tuple[Callable[..., object], ...] = (decode_foreign_photo, look_at, measure)
TURNED = Image.Exif()
TURNED[Base.Orientation] = 6


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


def saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def flat_png(width: int, height: int) -> bytes:
    """A whole grey PNG of few bytes, written without an array of its size."""
    rows = zlib.compressobj(9)
    row = b"\0" * (width + 1)
    pixels = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b""),
    ]  # fmt: skip
    body = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@pytest.fixture
def other_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts another program in the place of the decoder, in processes that are not shared."""

    def use(program: str) -> None:
        (tmp_path / "decoder.py").write_text(program)
        monkeypatch.setattr(foreign_pictures, "_COMMAND", (sys.executable, "-S", str(tmp_path / "decoder.py")))

    foreign_pictures._free.cache_clear()
    yield use
    free = foreign_pictures._free()
    while not free.empty():
        free.get().end()
    foreign_pictures._free.cache_clear()


@pytest.mark.parametrize(
    "data",
    [
        SAMPLES[0].read(),
        encode_png(noise(20, 30, 3)),
        encode_png(noise(20, 30, 4)),
        saved(Image.fromarray(noise(20, 30)), "TIFF"),
        saved(Image.fromarray(noise(20, 30, 3)), "JPEG", exif=TURNED),
        saved(Image.fromarray(noise(20, 30).astype(np.uint16) * 16), "TIFF"),
    ],
    ids=["sample", "RGB", "RGBA", "grey", "turned", "12 bits"],
)  # fmt: skip
def test_the_pixels_are_those_of_the_decoder_itself(data: bytes) -> None:
    here = decode_photo(data, name="x", limits=LIMITS)
    there = decode_foreign_photo(data, name="x", limits=LIMITS)
    np.testing.assert_array_equal(there.image, here.image)
    assert (there.alpha is None) == (here.alpha is None)
    if here.alpha is not None:
        np.testing.assert_array_equal(there.alpha, here.alpha)
    assert there.notes == here.notes
    assert look_at(data, name="x", limits=LIMITS).extent == here.extent


@pytest.mark.parametrize("mask", [noise(20, 30), noise(20, 30, 4)], ids=["grey", "transparent"])
def test_masks_too(mask: np.ndarray) -> None:
    data, extent = encode_png(mask), Extent(width=30, height=20)
    np.testing.assert_array_equal(
        decode_foreign_alpha(data, name="x", extent=extent), decode_alpha(data, name="x", extent=extent)
    )
    with pytest.raises(UserInputError, match="both must have the same size"):
        decode_foreign_alpha(data, name="x", extent=Extent(width=20, height=20))


def test_a_look_gives_the_texts_and_a_small_version() -> None:
    look = look_at(encode_png(noise(60, 90, 3), text={"a": "日本"}), name="x", limits=LIMITS, preview_side=30)
    assert look.texts == {"a": "日本"}
    with Image.open(BytesIO(look.preview)) as preview:
        assert (preview.format, preview.size) == ("WEBP", (30, 20))


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"hello", "is not a picture"),
        (flat_png(1100, 1000), "allowed are at most 1 megapixels"),
        (bytes(10**7 + 1), "allowed are at most 10 MB"),
    ],
    ids=["empty", "no picture", "too many pixels", "too many bytes"],
)
def test_what_is_refused_is_refused_in_the_same_words(decode: Callable[..., object], data: bytes, said: str) -> None:
    with pytest.raises(UserInputError, match=f"photo.png {said}|photo.png.*{said}"):
        decode(data, name="photo.png", limits=LIMITS)


@pytest.mark.slow
def test_a_file_that_needs_more_memory_than_a_picture_may_take_is_a_sentence() -> None:
    """As if the header had lied: the limit that it was checked against is another one than that of the memory."""
    huge = flat_png(8_000, 6_000)
    asked = {"wanted": "mask", "extent": {"width": 8_000, "height": 6_000}}
    with pytest.raises(UserInputError, match="memory"):
        foreign_pictures._ask(asked, huge, name="x", limits=LIMITS)
    assert decode_foreign_photo(encode_png(noise(20, 30, 3)), name="x", limits=LIMITS).extent.width == 30


@pytest.mark.parametrize(
    "program",
    [
        "import os; os.abort()",
        "import sys; sys.stdin.buffer.read(16); print('x' * 10_000)",
        "import struct, sys; sys.stdout.buffer.write(struct.pack('>QQ', 2, 2**60) + b'{}'); sys.stdout.flush()\n"
        "sys.stdin.buffer.read()",
    ],
    ids=["dies", "talks", "announces too much"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_decoder_that_dies_is_a_sentence(other_program: Callable[[str], None], program: str) -> None:
    other_program(program)
    with pytest.raises(UserInputError, match=r"x could not be decoded with the memory and in the 240 s"):
        decode_foreign_photo(b"anything", name="x", limits=LIMITS)


def test_a_decoder_without_end_is_ended(other_program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_pictures, "TIME_LIMIT", 0.3)
    other_program("import time; time.sleep(600)")
    began = time.monotonic()
    with pytest.raises(UserInputError, match="x could not be decoded"):
        decode_foreign_photo(b"anything", name="x", limits=LIMITS)
    assert time.monotonic() - began < 300


def test_who_waits_too_long_for_a_turn_is_told(
    other_program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_pictures, "TURN_LIMIT", 0.05)
    other_program("")
    taken = [foreign_pictures._free().get() for _ in range(2)]
    with pytest.raises(UserInputError, match="others' pictures are: try again in a minute"):
        decode_foreign_photo(b"anything", name="x", limits=LIMITS)
    for decoder in taken:
        foreign_pictures._free().put(decoder)


def test_secrets_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BGEN_PASSWORD", "secret")
    assert "secret" not in foreign_pictures._environment().values()
