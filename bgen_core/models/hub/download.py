"""Fetching a model's files from the Hub: the client's own download in a thread, told as a generator of events."""

import errno
import logging
import shutil
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bgen_core.errors import ModelLoadError
from bgen_core.models.hub.client import hub_fault
from bgen_core.models.hub.meter import Meter
from bgen_core.wording import quoted, sized

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
SPARE_BYTES = 100_000_000  # left on the disk beside a download


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """So many bytes of a model are here, of so many that are fetched."""

    model: str
    done: int
    of: int


def fetch_files(model: str, repository: str, commit: str, sizes: dict[str, int]) -> Generator[Fetching]:
    """Fetch files of a commit into the Hub client's cache; closing the generator stops, and keeps what is whole.

    Parameters
    ----------
    model
        Its name, for events and errors.
    sizes
        Each file that is not here -> its bytes.

    Raises
    ------
    ModelLoadError
        There is no room for them, or the Hub did not give them: says why and what to do.
    """
    total = sum(sizes.values())
    _check_room(model, total)
    meter = Meter()
    yield Fetching(model=model, done=0, of=total)
    with ThreadPoolExecutor(1, thread_name_prefix="download") as pool:
        download = pool.submit(_download, repository, commit, [*sizes], meter.bar())
        try:
            while not download.done():
                time.sleep(LOOK_SECONDS if meter.done else LOOK_SECONDS / 10)
                yield Fetching(model=model, done=min(meter.done, total), of=total)
        finally:
            meter.stopped = True
        try:
            download.result()
            yield Fetching(model=model, done=total, of=total)
        except Exception as error:  # the client raises many kinds
            logger.info("downloading %s failed", repository, exc_info=True)
            raise ModelLoadError(f"model {quoted(model)} {_fault(error, meter.done, total)}") from error


def _download(repository: str, commit: str, names: list[str], bar: type) -> None:
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]

    snapshot_download(repository, revision=commit, allow_patterns=names, tqdm_class=bar)


def _fault(error: Exception, done: int, total: int) -> str:
    """Completes "model … "."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return (
            f"could not be fetched: the disk of the Hugging Face Hub's cache is full at {sized(done)} of "
            f"{sized(total)}; make room, or set HF_HOME to another disk."
        )
    if done:
        return (
            f"could not be fetched to the end ({sized(done)} of {sized(total)}, {type(error).__name__}): "
            "check the network and start again; what is here is kept."
        )
    return hub_fault(error, partly=True)


def _check_room(model: str, needed: int) -> None:
    from huggingface_hub import constants

    place = Path(constants.HF_HUB_CACHE).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed + SPARE_BYTES > free:
        raise ModelLoadError(
            f"model {quoted(model)} needs a download of {sized(needed)}, and the disk of the Hugging Face Hub's "
            f"cache has {sized(free)} free: make room, or set HF_HOME to another disk."
        )
