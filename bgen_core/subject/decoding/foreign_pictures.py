"""Decoding files that anybody may have sent: in a process of its own, within limits of memory and time."""

import atexit
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.python_path import python_path
from bgen_core.subject.decoding.decoding_process import read_frame, write_frame
from bgen_core.subject.decoding.image_io import DecodeLimits, Photo
from bgen_core.subject.decoding.picture_formats import shown_name

TIME_LIMIT = 240.0  # seconds for one picture; the largest takes 3 on an idle machine
TURN_LIMIT = 300.0  # seconds until others have got theirs

# Each keeps some 60 MB, and needs up to 1.1 GB while it decodes the largest picture.
_PROCESSES = 2
_COMMAND = (sys.executable, "-P", "-m", "bgen_core.subject.decoding.decoding_process")


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a whole picture says without its pixels.

    Attributes
    ----------
    texts
        A PNG's text chunks.
    preview
        A WebP, where one was asked for.
    """

    extent: Extent
    texts: Mapping[str, str]
    preview: bytes


def decode_foreign_photo(data: bytes, *, name: str, limits: DecodeLimits) -> Photo:
    """As `decode_photo`; a file that is too much for a decoder is a UserInputError too."""
    limits.check_bytes(len(data), name)
    extent, pixels, said = _ask({"wanted": "photo"}, data, name=name, limits=limits)
    image = np.frombuffer(pixels, np.uint8, 3 * extent.area).reshape(extent.height, extent.width, 3)
    alpha = _unit_interval(memoryview(pixels)[image.size :], extent) if len(pixels) > image.size else None
    return Photo(name=name, image=image, alpha=alpha, notes=tuple(map(str, said["notes"])))


def decode_foreign_alpha(data: bytes, *, name: str, extent: Extent) -> np.ndarray:
    """As `decode_alpha`; a file that is too much for a decoder is a UserInputError too."""
    limits = DecodeLimits(max_bytes=max(1, len(data)), max_pixels=extent.area, min_side=1)
    found, levels, _ = _ask({"wanted": "mask", "extent": asdict(extent)}, data, name=name, limits=limits)
    return _unit_interval(levels, found)


def look_at(data: bytes, *, name: str, limits: DecodeLimits, preview_side: int = 0) -> Look:
    """Decode a picture whole and throw its pixels away.

    Parameters
    ----------
    preview_side
        Longest side of a small version; 0 for none.

    Raises
    ------
    UserInputError
        See `decode_photo`.
    """
    limits.check_bytes(len(data), name)
    extent, preview, said = _ask({"wanted": "look", "side": preview_side}, data, name=name, limits=limits)
    texts = {str(key): str(text) for key, text in said["texts"].items()}
    return Look(extent=extent, texts=texts, preview=bytes(preview))


def measure(data: bytes, *, name: str, limits: DecodeLimits) -> Extent:
    """The size that a picture's header states, when it is within the limits; no pixel is decoded.

    Raises
    ------
    UserInputError
        It is no picture, or too large or small.
    """
    limits.check_bytes(len(data), name)
    extent, _, _ = _ask({"wanted": "size"}, data, name=name, limits=limits)
    limits.check_extent(extent, name)
    return extent


class _EndedError(Exception):
    """The process ended before it had answered."""


class _Decoder:
    """A process that is started when it is first needed, and again when it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(
        self, asked: Mapping[str, Any], data: bytes, *, most: int, seconds: float
    ) -> tuple[dict[str, Any], bytearray]:
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()
            )
        process = self._process
        clock = threading.Timer(seconds, process.kill)
        clock.daemon = True
        clock.start()
        answered = False
        try:
            if process.stdin is None or process.stdout is None:
                raise EOFError("it has no pipes")
            write_frame(process.stdin, asked, [data])
            answer = read_frame(process.stdout, most=most)
            answered = True
            return answer
        except (OSError, EOFError, ValueError) as error:
            raise _EndedError from error
        finally:
            clock.cancel()
            if not answered:  # interrupted, too: the next one would get this one's answer
                self.end()

    def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(OSError), process:  # closes its pipes, one of which may hold what nobody reads, and waits
                pass


@cache
def _free() -> "queue.LifoQueue[_Decoder]":
    """Those that nobody uses now; the last one used is the warm one."""
    free: queue.LifoQueue[_Decoder] = queue.LifoQueue()
    decoders = [_Decoder() for _ in range(_PROCESSES)]
    for decoder in decoders:
        free.put(decoder)
        atexit.register(decoder.end)
    return free


@contextmanager
def _turn(name: str) -> Generator[_Decoder]:
    try:
        decoder = _free().get(timeout=TURN_LIMIT)
    except queue.Empty:
        raise UserInputError(
            f"{shown_name(name)} was not decoded, because others' pictures are: try again in a minute."
        ) from None
    try:
        yield decoder
    finally:
        _free().put(decoder)


def _ask(
    asked: Mapping[str, Any], data: bytes, *, name: str, limits: DecodeLimits
) -> tuple[Extent, bytearray, Mapping[str, Any]]:
    request = {**asked, "name": name, "limits": asdict(limits)}
    try:
        with _turn(name) as decoder:
            said, sent = decoder.ask(request, data, most=4 * limits.max_pixels + 2**24, seconds=TIME_LIMIT)
    except _EndedError as error:
        raise UserInputError(
            f"{shown_name(name)} could not be decoded with the memory and in the {TIME_LIMIT:g} s that a picture may "
            "take: give a smaller one, or save it anew in another program."
        ) from error
    if "refused" in said:
        raise UserInputError(said["refused"])
    return Extent(width=int(said["width"]), height=int(said["height"])), sent, said


def _unit_interval(levels: bytearray | memoryview, extent: Extent) -> np.ndarray:
    found = np.frombuffer(levels, np.uint8, extent.area).reshape(extent.height, extent.width)
    return found.astype(np.float32) / np.float32(255)


def _environment() -> dict[str, str]:
    """Without this program's settings, some of which are secrets; one thread, since each takes memory."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BGEN_")}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
    return kept | threads | {"PYTHONPATH": python_path(), "PYTHONIOENCODING": "utf-8"}
