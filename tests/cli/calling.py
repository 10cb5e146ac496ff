"""What the tests of the command line share beside their fixtures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from bgen_core.subject.samples.samples import SAMPLES

PHOTO = SAMPLES[0].path


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What is left of a command that has ended."""

    returncode: int
    stdout: str
    stderr: str


class Call(Protocol):
    """Runs a command to its end, on a terminal of some encoding."""

    def __call__(self, *words: str | Path, home: Path | None = None, encoding: str = "utf-8") -> Ended: ...


def pixels(path: Path) -> np.ndarray:
    """A picture file as uint8, HWC, RGB."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
