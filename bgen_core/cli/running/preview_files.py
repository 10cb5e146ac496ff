"""Previews of the cells under way as files, for whoever looks at a folder while a sweep is computed."""

import base64
import time
from pathlib import Path

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.subject.decoding.image_io import encode_webp
from bgen_core.whole_file import write_whole

PAUSE_SECONDS = 0.4  # between two previews of one cell


class PreviewFiles:
    """One WebP file for each cell, `0003.webp` for the cell 3, replaced whole as the picture grows.

    Parameters
    ----------
    folder
        An existing folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[int, float] = {}
        self._last: dict[int, str] = {}

    def note(self, index: int, preview: np.ndarray) -> None:
        """Write a preview, uint8 HWC RGB, unless one of that cell was written a moment ago."""
        if time.monotonic() - self._written.get(index, -PAUSE_SECONDS) >= PAUSE_SECONDS:
            self._write(index, encode_webp(preview, quality=70))

    def note_url(self, index: int, url: str) -> None:
        """Write a preview that comes as a data: URL, unless it is the one that is there."""
        if url and self._last.get(index) != url:
            self._last[index] = url
            self._write(index, base64.b64decode(url.partition(",")[2]))

    def _write(self, index: int, webp: bytes) -> None:
        path = self._folder / f"{index:04d}.webp"
        try:
            write_whole(path, [webp])
        except OSError as error:
            raise UserInputError(f"the preview {path} cannot be written: {error.strerror}.") from error
        self._written[index] = time.monotonic()
