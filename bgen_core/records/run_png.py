"""A run's picture as it is kept: a PNG that costs little time to write, with what made it as text.

Pillow tries all five filters on each row, and level 1 looks for repetitions that photos do not have. One filter and run
lengths alone take half of that time, and give smaller files; see docs/decisions/run-pngs.md.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from PIL.PngImagePlugin import PngInfo

from bgen_core.extent import Extent

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {3: 2, 4: 6}  # channels -> what PNG calls RGB and RGBA
_DEPTH, _ONLY_ONES = 8, (0, 0, 0)  # bits, and the only compression, filtering and interlacing that act here
_UP = 2  # each row as its difference to the one above
_STRIP_ROWS = 256  # so that no second copy of a large picture is made
_MEMORY_LEVEL = 9


def encode_run_png(picture: np.ndarray, chunks: Mapping[str, str]) -> bytes:
    """Encode a picture (uint8, HWC, RGB or RGBA) with `chunks` as text; equal pictures and texts give equal bytes."""
    extent = Extent.of(picture)
    texts = PngInfo()
    for key, value in chunks.items():
        texts.add_text(key, value)
    header = struct.pack(">II5B", extent.width, extent.height, _DEPTH, _COLOUR_TYPES[picture.shape[2]], *_ONLY_ONES)
    parts = [_chunk(b"IHDR", header), *(_chunk(kind, content) for kind, content, *_ in texts.chunks)]
    parts += [_chunk(b"IDAT", packed) for packed in _packed(picture)]
    return b"".join([_SIGNATURE, *parts, _chunk(b"IEND", b"")])


def _packed(picture: np.ndarray) -> Iterator[bytes]:
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY_LEVEL, zlib.Z_RLE)
    rows = np.ascontiguousarray(picture).reshape(picture.shape[0], -1)
    above = np.zeros_like(rows[:1])
    for start in range(0, len(rows), _STRIP_ROWS):
        strip = rows[start : start + _STRIP_ROWS]
        filtered = np.empty((len(strip), 1 + strip.shape[1]), np.uint8)
        filtered[:, 0] = _UP
        np.subtract(strip[:1], above, out=filtered[:1, 1:])
        np.subtract(strip[1:], strip[:-1], out=filtered[1:, 1:])
        above = strip[-1:]
        if packed := packer.compress(filtered.data):
            yield packed
    yield packer.flush()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
