"""A sweep of the command line in a process of its own, as somebody has it in a terminal."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.waiting import PATIENCE, wait_until


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """A sweep under way, and where its two streams go."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def waits_until_it_says(self, words: str) -> None:
        wait_until(lambda: words in self.err.read_text(), f"{words!r}")

    def ends(self) -> int:
        return self.process.wait(timeout=PATIENCE)


def new_sweep(folder: Path, *, cells: int) -> Sequence[str | Path]:
    """What is typed for it: a square photo, as the size is for which every worker measures its speed anyway."""
    photo, mask = folder / "photo.png", np.zeros((112, 112), np.uint8)
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (112, 112, 3), np.uint8)).save(photo)
    mask[30:, 30:80] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return (photo, "--alpha", folder / "mask.png", "--prompt", "a beach", "--steps", "6", "--seed", f"1-{cells}")


@contextmanager
def sweeping(folder: Path, home: Path, words: Sequence[str | Path]) -> Iterator[CommandLine]:
    """The command under way, which computes itself, also where a worker serves the home; it is killed at the end of the
    `with` if it still is. Its streams go into `folder`.
    """
    environment = os.environ | {"BGEN_HOME": str(home), "BGEN_DEVICE": "cpu"}
    out, err = folder / "out", folder / "err"
    command = [sys.executable, "-m", "bgen_core", "sweep", *map(str, words), "--here", "--json"]
    with (
        out.open("wb") as to_out,
        err.open("wb") as to_err,
        subprocess.Popen(command, stdout=to_out, stderr=to_err, env=environment) as process,
    ):
        try:
            yield CommandLine(process=process, out=out, err=err)
        finally:
            process.kill()
