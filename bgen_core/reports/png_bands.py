"""A PNG written from top to bottom while it is made: Pillow 13 only writes pictures that are whole in memory."""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from bgen_core.extent import Extent

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2  # PNG's filter 2: each byte minus the one above it; photos and flat areas both shrink
_STRIP = 32  # pixel rows filtered at a time: the copy stays small however high a band is
_CHUNK = 1 << 18


def png_of_bands(extent: Extent, bands: Iterable[np.ndarray], text: Mapping[str, str] | None = None) -> Iterator[bytes]:
    """Pieces of a PNG (W3C PNG, third edition) as its bands come; no more than one band is held.

    Parameters
    ----------
    extent
        Size of the whole picture; the bands must add up to it.
    bands
        uint8, HWC, RGB, each as wide as the picture, from top to bottom.
    text
        Keyword (Latin letters) -> text, kept in the file as international text.

    Raises
    ------
    ValueError
        A band of another width or kind, or too few or too many rows.
    """
    yield _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", extent.width, extent.height, 8, 2, 0, 0, 0))
    for keyword, value in (text or {}).items():
        yield _chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + value.encode())
    deflate = zlib.compressobj(level=1)
    above = np.zeros((1, extent.width * 3), np.uint8)
    rows, waiting = 0, bytearray()
    for band in bands:
        if band.dtype != np.uint8 or band.shape[1:] != (extent.width, 3):
            raise ValueError(f"a band of {band.shape} {band.dtype} in a picture of {extent}")
        rows += len(band)
        lines = band.reshape(-1, extent.width * 3)
        for top in range(0, len(lines), _STRIP):
            waiting += deflate.compress(_filtered(lines[top : top + _STRIP], above).data)
            above = lines[top : top + _STRIP][-1:].copy()
            if len(waiting) >= _CHUNK:
                yield _chunk(b"IDAT", bytes(waiting))
                waiting.clear()
        del band, lines  # before the next one is made: never two at once
    if rows != extent.height:
        raise ValueError(f"{rows} rows in a picture of {extent}")
    yield _chunk(b"IDAT", bytes(waiting) + deflate.flush()) + _chunk(b"IEND", b"")


def _filtered(lines: np.ndarray, above: np.ndarray) -> np.ndarray:
    filtered = np.empty((len(lines), 1 + lines.shape[1]), np.uint8)
    filtered[:, 0] = _UP
    filtered[:1, 1:] = lines[:1] - above
    filtered[1:, 1:] = lines[1:] - lines[:-1]
    return filtered


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
