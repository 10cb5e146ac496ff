"""A PNG's chunks: what Pillow 13 does not tell, and whether they hold all the pixels that the header promises."""

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first column and row, and the steps, of the seven passes
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIECE = 1 << 20


def is_complete_png(data: bytes) -> bool:
    """Whether the compressed stream is as long as the pixels need; true for files that are no PNG."""
    if not data.startswith(_SIGNATURE):
        return True
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    bits = depth * _CHANNELS[colour]
    missing = sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in _sizes(width, height, bool(interlaced)))
    inflate = zlib.decompressobj()
    for body in _pixel_chunks(data):
        piece = inflate.decompress(body, _PIECE)
        while piece:
            missing -= len(piece)
            if missing <= 0:
                return True
            piece = inflate.decompress(inflate.unconsumed_tail, _PIECE)
    return False


def _sizes(width: int, height: int, interlaced: bool) -> Iterator[tuple[int, int]]:
    """Columns and rows of each pass that has any."""
    if not interlaced:
        yield width, height
        return
    for left, top, across, down in _PASSES:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            yield columns, rows


def png_chunk(data: bytes, kind: bytes) -> bytes | None:
    """What the first chunk of a kind before the pixels holds; None where there is none, or no PNG."""
    for name, body in _chunks(data) if data.startswith(_SIGNATURE) else ():
        if name == b"IDAT":
            return None
        if name == kind:
            return body
    return None


def _pixel_chunks(data: bytes) -> Iterator[bytes]:
    begun = False
    for kind, body in _chunks(data):
        if kind == b"IDAT":
            begun = True
            yield body
        elif begun:  # the pixel chunks stand together
            return


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(_SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        yield kind, data[position + 8 : position + 8 + length]
        position += 12 + length
