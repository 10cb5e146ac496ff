"""Render the training scenes into numbered chunks: `scenes_0003.npy` beside `scenes_0003.json`."""

import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.config import RenderConfig
from training.people import draw_foreground
from training.scenes.canvas import SIDE_VARIABLE, to_bytes
from training.scenes.registry import KINDS, render
from training.scenes.scene import Traits

KIND_CYCLE = (*KINDS, "studio")
"""Scene number i shows kind i modulo this; the studio's many colours earn it a second turn."""


@contextmanager
def drawing(side: int) -> Generator[None]:
    """Let processes that begin in the body of a `with` draw pictures of this side; this one's stay as they are."""
    before = os.environ.get(SIDE_VARIABLE)
    os.environ[SIDE_VARIABLE] = str(side)
    try:
        yield
    finally:
        os.environ.pop(SIDE_VARIABLE)
        if before is not None:
            os.environ[SIDE_VARIABLE] = before


def kind_of(number: int) -> str:
    """What scene `number` of a series shows."""
    return KIND_CYCLE[number % len(KIND_CYCLE)]


def render_numbered(seed: int, number: int, kind: str | None = None) -> tuple[NDArray[np.uint8], Traits]:
    """Render scene `number` of a series: a function of its arguments alone.

    Returns
    -------
    picture : uint8 array, (256, 256, 3)
    traits : Traits
    """
    scene = render(np.random.default_rng([seed, number]), kind or kind_of(number))
    return to_bytes(scene.picture), scene.traits


def save_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array so that the file appears whole or not at all."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.save(file, array)
    temporary.replace(path)


def chunk_paths(folder: Path, index: int) -> tuple[Path, Path]:
    """Files of a chunk: the pictures, and their traits, which are written first."""
    return folder / f"scenes_{index:04d}.npy", folder / f"scenes_{index:04d}.json"


def render_chunks(folder: Path, config: RenderConfig, worker: int = 0, workers: int = 1) -> Iterator[int]:
    """Render this worker's missing chunks, yielding the index of each when it is done.

    Parameters
    ----------
    folder : Path
        Where chunks lie; made if missing.
    config : RenderConfig
        Seed and sizes.
    worker, workers : int
        Worker number and their count: chunks are dealt out in turns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(worker, config.scenes // config.chunk, workers):
        pictures_path, traits_path = chunk_paths(folder, index)
        if pictures_path.exists():
            continue
        first = index * config.chunk
        rendered = [render_numbered(config.seed, first + i) for i in range(config.chunk)]
        traits_path.write_text(json.dumps([asdict(traits) for _, traits in rendered]))
        save_array(pictures_path, np.stack([picture for picture, _ in rendered]))
        yield index


def figure_paths(folder: Path, config: RenderConfig) -> list[Path]:
    """Files of drawn figures: their pictures, and where each is painted over."""
    return [folder / f"people_{start:05d}.npz" for start in range(0, config.people, config.people_chunk)]


def draw_figures(folder: Path, config: RenderConfig, worker: int = 0, workers: int = 1) -> Iterator[Path]:
    """Draw this worker's missing files of figures, yielding each when it is done; see `render_chunks`."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in figure_paths(folder, config)[worker::workers]:
        if path.exists():
            continue
        first = int(path.stem.rpartition("_")[2])
        numbers = range(first, min(first + config.people_chunk, config.people))
        drawn = [draw_foreground(np.random.default_rng([config.people_seed, number])) for number in numbers]
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            painted = np.stack([each.mask > 0.5 for each in drawn])
            np.savez(file, pictures=np.stack([each.picture for each in drawn]), painted=painted)
        temporary.replace(path)
        yield path


def load_traits(path: Path) -> list[Traits]:
    """Read the traits of a chunk."""
    rows = json.loads(path.read_text())
    return [Traits(**{**row, "colours": tuple(row["colours"]), "extras": tuple(row["extras"])}) for row in rows]
