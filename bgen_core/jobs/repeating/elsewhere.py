"""Who wants a picture made again on another machine: asks a painter through the store, and waits for what comes out."""

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager

from bgen_core.errors import BgenError
from bgen_core.ids import BlobHash, WorkerId
from bgen_core.jobs.recorded_device import gpu_of, painters_by_gpu
from bgen_core.jobs.reproduce import Deviation, Reproducer, Reproduction
from bgen_core.models.devices import gpus_here
from bgen_core.records.worker import WorkerRecord
from bgen_core.runs.recipe import Recipe, read_recipe
from bgen_core.settings import Settings
from bgen_core.store.coordination.repeats import NOBODY_YET, Repeat
from bgen_core.store.store import Store
from bgen_core.wording import printable

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# A painter that is in the middle of a sweep begins nothing more of it within a second, and ends what is under way.
TAKEN_SECONDS = 120.0
MADE_SECONDS = 3000.0  # a page waits for an hour
_OF_ANOTHER_VERSION = (KeyError, TypeError, ValueError)  # what reading an answer of another shape raises


class Elsewhere:
    """Has pictures made again by painters.

    Parameters
    ----------
    store
        That of the painters.
    settings
        A device that they name is used, whatever made a picture: then no painter is asked.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def repeat(self, png: bytes, recipe: Recipe, model: str) -> Reproduction | None:
        """Make it there; None where no painter does, for whatever reason: this machine can, or says why not."""
        gpu = gpu_of(recipe.record) if recipe.record is not None else ""
        if not gpu or self._settings.device != "auto" or gpu in gpus_here().values():
            return None
        try:
            if not any(each.status.device_name == gpu for each in self._painters().values()):
                return None
            blob = self._store.blobs.put(png)
            repeat_id = self._store.repeats.ask(gpu=gpu, png=blob, model=model)
            try:
                answered = self._answered(repeat_id)
            finally:
                self._store.repeats.forget(repeat_id)
            return None if answered is None else self._read(answered, gpu)
        except (BgenError, *_OF_ANOTHER_VERSION):  # of the store, of a picture in it, or of what a painter said
            logger.warning("no painter can be asked to make a picture again", exc_info=True)
            return None

    def _painters(self) -> dict[WorkerId, WorkerRecord]:
        """Those that live; one worker alone, without Ray, makes nothing again for others."""
        serving = self._store.workers.serving()
        return {each.id: each for each in serving if each.is_alive and each.kind == "painter"}

    def _answered(self, repeat_id: str) -> Repeat | None:
        began = time.monotonic()
        while (repeat := self._store.repeats.wait(repeat_id)) is not None and repeat.answer is None:
            waited = time.monotonic() - began
            if waited > (TAKEN_SECONDS if repeat.taken_by == NOBODY_YET else MADE_SECONDS):
                return None
            if repeat.taken_by != NOBODY_YET and repeat.taken_by not in self._painters():
                last = self._store.repeats.wait(repeat_id)  # it may have answered, and ended, between these two looks
                return last if last is not None and last.answer is not None else None
            time.sleep(LOOK_SECONDS)
        return repeat

    def _read(self, repeat: Repeat, gpu: str) -> Reproduction | None:
        told, painter = repeat.answer or {}, self._painters().get(repeat.taken_by)
        host = painter.process.host.partition(" ")[0] if painter else "another machine"
        if "png" not in told:
            logger.warning("the painter on %s could not make a picture again; its log says why", host)
            return None
        png = self._store.blobs.get(BlobHash(told["png"]))
        made = read_recipe(png).record
        if made is None:
            return None
        return Reproduction(
            run=made,
            png=png,
            pixels=told["pixels"],
            changed=told["changed"],
            greatest=told["greatest"],
            differences=tuple(Deviation(**each) for each in told["differences"]),
            made_by=f"{host} made it, which has a {printable(gpu, 60)} as whatever made it first",
        )


def answer_of(made: Reproduction, png: BlobHash) -> dict[str, object]:
    """What a painter says of a picture that it made again."""
    return {
        "png": png,
        "pixels": made.pixels,
        "changed": made.changed,
        "greatest": made.greatest,
        "differences": [
            {"what": each.what, "was": each.was, "now": each.now} for each in made.differences
        ],
    }  # fmt: skip


@contextmanager
def reproducer_for(store: Store, settings: Settings) -> Generator[Reproducer]:
    """What makes pictures of a store again: on this machine, or by the painter that has the GPU which made them."""
    elsewhere = Elsewhere(store, settings)
    painters = painters_by_gpu(store)
    with Reproducer(settings, painters, tunings=store.tunings, elsewhere=elsewhere.repeat) as reproducer:
        yield reproducer
