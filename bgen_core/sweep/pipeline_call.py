"""Every family that the batched engine does not know: the pipeline's own __call__, behind the same events."""

import inspect
import itertools
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from queue import Queue
from typing import Any

import numpy as np
import torch
from PIL import Image

from bgen_core.extent import Extent
from bgen_core.sweep.events import Event, Failed, Finished, PaintCell, Started, Stepped

CELLS_PER_CALL = 4  # halved for good when the device runs out of memory
OWN_SCHEDULER = "default"


class PipelineInpainter:
    """Inpainter for SD3, Flux, Flux Fill, Qwen, Kandinsky, Z-Image and whatever else has an inpainting __call__.

    Cells that differ in their seed alone share a call. Each gets its own copy of photo and mask, since a pipeline that
    is given one photo and several generators encodes it with the first one's noise (diffusers 0.42.1), and its
    picture would then depend on its neighbours.

    Parameters
    ----------
    pipeline
        A loaded diffusers pipeline.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._cells_per_call = CELLS_PER_CALL
        parameters = inspect.signature(pipeline.__call__).parameters
        self._accepted = frozenset(parameters)

    def tune(self, extent: Extent) -> None:
        """Nothing is measured for these families."""
        del extent

    def paint(self, cells: Sequence[PaintCell]) -> Generator[Event]:
        """Paint the cells; see `Inpainter.paint`."""
        for _, alike in itertools.groupby(cells, lambda cell: (replace(cell.params, seed=0), id(cell.canvas))):
            waiting = list(alike)
            refusal = self._refusal(waiting[0])
            if refusal:
                yield from (Failed(index=cell.index, reason=refusal) for cell in waiting)
                continue
            while waiting:
                group = waiting[: self._cells_per_call]
                try:
                    yield from self._paint_together(group)
                except torch.OutOfMemoryError:
                    if self._cells_per_call == 1:
                        yield from (Failed(index=cell.index, reason=_TOO_LARGE) for cell in waiting)
                        break
                    self._cells_per_call //= 2
                    continue
                waiting = waiting[len(group) :]

    def _refusal(self, cell: PaintCell) -> str:
        """Why this family cannot make the cell; empty where it can."""
        family = type(self._pipeline).__name__
        params = cell.params
        if params.scheduler != OWN_SCHEDULER:
            return f"{family} samples in its own way: choose the scheduler {OWN_SCHEDULER!r}, not {params.scheduler!r}."
        if params.strength < 1 and "strength" not in self._accepted:
            return f"{family} has no strength: choose 1, not {params.strength:g}."
        if params.negative_prompt and "negative_prompt" not in self._accepted:
            return f"{family} takes no negative prompt: leave it empty."
        return ""

    def _paint_together(self, group: Sequence[PaintCell]) -> Iterator[Event]:
        for cell in group:
            yield Started(cell=cell)
        began = time.perf_counter()
        call = _Call(self._pipeline, self._arguments(group))
        try:
            for step in call.steps():
                of = max(group[0].params.effective_steps, step)
                yield from (Stepped(cell=cell, step=step, of=of, preview=None) for cell in group)
        finally:
            call.stop()
        seconds = (time.perf_counter() - began) / len(group)
        for cell, image in zip(group, call.images(), strict=True):
            yield Finished(cell=cell, image=np.asarray(image.convert("RGB")), seconds={"denoise": seconds})

    def _arguments(self, group: Sequence[PaintCell]) -> dict[str, Any]:
        params, canvas = group[0].params, group[0].canvas
        number = len(group)
        image, mask = Image.fromarray(canvas.init_image), Image.fromarray(canvas.mask_image)
        wanted: dict[str, Any] = {
            "prompt": [params.prompt] * number,
            "negative_prompt": [params.negative_prompt] * number if params.negative_prompt else None,
            "image": [image] * number,
            "mask_image": [mask] * number,
            "height": canvas.extent.height,
            "width": canvas.extent.width,
            "strength": params.strength,
            "num_inference_steps": params.num_inference_steps,
            "guidance_scale": params.guidance_scale,
            "generator": [torch.Generator("cpu").manual_seed(cell.params.seed) for cell in group],
            "output_type": "pil",
        }
        return {name: value for name, value in wanted.items() if name in self._accepted and value is not None}


class _Call:
    """One __call__ in a thread, so that its callback becomes a generator that can be closed."""

    def __init__(self, pipeline: Any, arguments: dict[str, Any]) -> None:
        self._pipeline = pipeline
        self._steps: Queue[int | None] = Queue()
        self._stopping = False
        self._images: list[Any] = []
        self._error: BaseException | None = None
        if "callback_on_step_end" in inspect.signature(pipeline.__call__).parameters:
            arguments = arguments | {"callback_on_step_end": self._note_step}
        self._thread = threading.Thread(target=self._run, args=(arguments,), daemon=True)

    def _run(self, arguments: dict[str, Any]) -> None:
        try:
            with torch.inference_mode():
                self._images = self._pipeline(**arguments).images
        except BaseException as error:
            self._error = error
        finally:
            self._steps.put(None)

    def _note_step(self, pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        del timestep
        self._steps.put(step + 1)
        if self._stopping:
            pipeline._interrupt = True  # the pipelines' own switch: the remaining steps do nothing
        return tensors

    def steps(self) -> Iterator[int]:
        """Numbers of finished steps, as they come."""
        self._thread.start()
        while (step := self._steps.get()) is not None:
            yield step

    def stop(self) -> None:
        """Let the call end after the evaluation in hand, and wait for it."""
        self._stopping = True
        self._thread.join()

    def images(self) -> list[Any]:
        if self._error is not None:
            raise self._error
        return self._images


_TOO_LARGE = "The picture does not fit into the device's memory: choose a smaller model, or free the device's memory."
