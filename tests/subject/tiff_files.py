"""TIFFs with any tags, which no library writes: one strip for each plane, uncompressed, little-endian."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, ORIENTATION, CHANNELS, ROWS, COUNTS, MOST, PLANES = (
    256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 281, 284,
)  # fmt: skip
COLOUR_MAP, INKS, EXTRA, FORMAT, SUBSAMPLING, BLACK_WHITE, XMP = 320, 332, 338, 339, 530, 532, 700
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
Tag = int | Sequence[int] | Sequence[float] | bytes


def tiff(pixels: np.ndarray | bytes, *, width: int, height: int, tags: Mapping[int, Tag]) -> bytes:
    """A file of these samples, grey of 8 bits unless the tags say otherwise."""
    body = pixels if isinstance(pixels, bytes) else pixels.tobytes()
    planes = 3 if tags.get(PLANES) == 2 else 1
    strip = len(body) // planes
    all_tags: dict[int, Tag] = {
        WIDTH: width, HEIGHT: height, BITS: 8, COMPRESSION: 1, PHOTOMETRIC: BLACK_IS_ZERO, CHANNELS: 1,
        ROWS: height, COUNTS: [strip] * planes, **tags, OFFSETS: [1 << 20] * planes,
    }  # fmt: skip
    far = 8 + 2 + 12 * len(all_tags) + 4
    beside = sum(len(raw) for _, _, raw in map(_value, all_tags.values()) if len(raw) > 4)
    offsets = [far + beside + strip * plane for plane in range(planes)]
    entries, values = b"", b""
    for tag, value in sorted(all_tags.items()):
        kind, count, raw = (4, planes, _longs(offsets)) if tag == OFFSETS else _value(value)
        entries += struct.pack("<HHI", tag, kind, count)
        entries += raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack("<I", far + len(values))
        values += raw if len(raw) > 4 else b""
    return b"II*\0" + struct.pack("<IH", 8, len(all_tags)) + entries + bytes(4) + values.ljust(beside, b"\0") + body


def packed_twelve(samples: np.ndarray) -> bytes:
    """Two samples of 12 bits in three bytes."""
    first, second = samples.reshape(-1, 2).astype(int).T
    return np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8).tobytes()


def _value(value: Tag) -> tuple[int, int, bytes]:
    if isinstance(value, bytes):
        return 7, len(value), value
    values = [value] if isinstance(value, int) else list(value)
    if any(isinstance(each, float) for each in values):
        return 5, len(values), b"".join(struct.pack("<II", round(each * 1000), 1000) for each in values)
    if max(values) > 0xFFFF:
        return 4, len(values), _longs(values)
    return 3, len(values), struct.pack(f"<{len(values)}H", *values)


def _longs(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)
