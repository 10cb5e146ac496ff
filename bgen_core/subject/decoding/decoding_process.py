"""The process that decodes strangers' pictures, so that what a file does to a decoder happens to nobody else.

It reads one request after another from its standard input and writes one answer each, and ends with its input. Requests
and answers are a JSON object and bytes; nothing that it says is executed by whoever asked.
"""

import json
import os
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import DecodeLimits, decode_levels, encode_webp, resize
from bgen_core.subject.decoding.picture_formats import decode_picture, measure_picture

_LENGTHS = struct.Struct(">QQ")
_LARGEST_HEAD = 64_000_000
_PIECE = 1 << 22
_MOST_LETTERS = 4_000_000  # of all texts of a PNG together: six bytes of a head each at most
_LONGEST_TEXT = 1_500_000
# Beside the pixels: Python, numpy, Pillow and the codecs with their tables.
_MEMORY_BASE = 400_000_000
# The greediest way of a photo is 16 bits of grey by way of float64: 20 bytes a pixel, measured at 40 megapixels.
_MEMORY_PER_PIXEL = 24


def write_frame(stream: IO[bytes], head: Mapping[str, Any], parts: Sequence[bytes] = ()) -> None:
    """Send an object and bytes."""
    said = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(said), sum(map(len, parts))) + said)
    for part in parts:
        stream.write(part)
    stream.flush()


def read_frame(stream: IO[bytes], *, most: int) -> tuple[dict[str, Any], bytearray]:
    """Receive what `write_frame` sent.

    Raises
    ------
    EOFError
        The other end is gone, or sends more than `most` bytes.
    """
    said, sent = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if said > _LARGEST_HEAD or sent > most:
        raise EOFError(f"{said + sent} bytes are announced")
    return json.loads(_exactly(stream, said)), _exactly(stream, sent)


def _exactly(stream: IO[bytes], length: int) -> bytearray:
    data = bytearray()
    while len(data) < length:
        piece = stream.read(min(_PIECE, length - len(data)))
        if not piece:
            raise EOFError("the other end is gone")
        data += piece
    return data


def main() -> None:
    """Answer until the standard input ends."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    while True:
        try:
            asked, data = read_frame(requests, most=2**40)
        except EOFError:
            return
        head, parts = _answer(asked, bytes(data))
        write_frame(answers, head, parts)


def _answer(asked: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], Sequence[bytes]]:
    limits = DecodeLimits(**asked["limits"])
    _limit_memory(_MEMORY_BASE + _MEMORY_PER_PIXEL * limits.max_pixels + 4 * len(data))
    try:
        match asked["wanted"]:
            case "size":
                return _sized(measure_picture(data, name=asked["name"])), ()
            case "mask":
                levels = decode_levels(data, name=asked["name"], extent=Extent(**asked["extent"]))
                return _sized(Extent.of(levels)), (levels.tobytes(),)
            case "look":
                return _look(asked, data, limits)
            case _:
                return _photo(asked, data, limits)
    except UserInputError as error:
        return {"refused": str(error)}, ()


def _photo(asked: Mapping[str, Any], data: bytes, limits: DecodeLimits) -> tuple[dict[str, Any], Sequence[bytes]]:
    name: str = asked["name"]
    decoded = decode_picture(data, name=name, check=lambda extent: limits.check_extent(extent, name))
    parts = [decoded.image.tobytes()]
    if decoded.alpha is not None:
        parts.append(decoded.alpha.tobytes())
    return _sized(Extent(width=decoded.image.width, height=decoded.image.height)) | {"notes": decoded.notes}, parts


def _look(asked: Mapping[str, Any], data: bytes, limits: DecodeLimits) -> tuple[dict[str, Any], Sequence[bytes]]:
    import numpy as np

    name: str = asked["name"]
    decoded = decode_picture(data, name=name, check=lambda extent: limits.check_extent(extent, name))
    extent = Extent(width=decoded.image.width, height=decoded.image.height)
    preview = b""
    if asked["side"]:
        small = resize(np.asarray(decoded.image), extent.scaled_to_longest_side(asked["side"]))
        preview = encode_webp(small)
    return _sized(extent) | {"texts": _shortened(decoded.texts)}, (preview,)


def _shortened(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts of a length that somebody reads; one that is cut is too long for every reader all the same."""
    kept: dict[str, str] = {}
    left = _MOST_LETTERS
    for key, text in texts.items():
        kept[key] = text[: min(left, _LONGEST_TEXT)]
        left -= len(kept[key]) + len(key)
        if left <= 0:
            break
    return kept


def _sized(extent: Extent) -> dict[str, Any]:
    return {"width": extent.width, "height": extent.height}


def _limit_memory(size: int) -> None:
    """So that a file that asks for more gets no memory, instead of everybody else's. Windows has no such limit."""
    if sys.platform == "win32":
        return
    import resource

    with suppress(ValueError, OSError):  # an administrator's own limit is lower
        resource.setrlimit(resource.RLIMIT_DATA, (size, resource.getrlimit(resource.RLIMIT_DATA)[1]))


if __name__ == "__main__":
    main()
