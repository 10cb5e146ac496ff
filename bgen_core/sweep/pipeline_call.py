"""Every family that the batched engine does not know: the pipeline's own __call__, behind the same events."""

import inspect
import logging
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from queue import Queue
from typing import Any

import numpy as np
import torch
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.devices import is_lasting_device_fault, is_out_of_memory
from bgen_core.models.families import GUIDED_BY_ITS_CALL, OWN_SCHEDULER, Cfg, Distilled, Family, Ignored, NeedsSecond
from bgen_core.models.family_table import STABLE_DIFFUSION, family_of
from bgen_core.models.loading import editing_pipeline
from bgen_core.subject.decoding.image_io import resize
from bgen_core.sweep.adapters import Adapters, by_weights
from bgen_core.sweep.cell_faults import NO_NUMBERS, TOO_LARGE, reason_of
from bgen_core.sweep.engine.decoding import in_tiles
from bgen_core.sweep.engine.schedule import shifted
from bgen_core.sweep.events import Event, Failed, Finished, PaintCell, Started, Stepped
from bgen_core.sweep.family_rules import edits_whole, effective_steps, paints_in_tiles, refusal_of
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.steering.control_pictures import control_picture
from bgen_core.sweep.steering.ip_adapter import ReferenceAdapter
from bgen_core.sweep.steering.mask_for_controlnet import let_controlnet_see_mask

logger = logging.getLogger(__name__)


class PipelineInpainter:
    """Inpainter for Kandinsky, Flux.2 Klein and whatever else has a row in the families' table, but not in the engine.

    Each cell has a call of its own: of most families, pictures that share one equal those made alone only to 1 of 255.

    Parameters
    ----------
    pipeline
        A loaded diffusers pipeline.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        let_controlnet_see_mask(pipeline)
        family = family_of(pipeline) or STABLE_DIFFUSION
        self._family: Family = replace(
            family,
            own_scheduler=family.own_scheduler or OWN_SCHEDULER,
            guidance_end=family.guidance_end or GUIDED_BY_ITS_CALL,
        )
        self._adapters = Adapters(pipeline, family.title)
        self._references = ReferenceAdapter(pipeline, family.title)

    def tune(self, extent: Extent) -> None:
        """Nothing is measured for these families."""
        del extent

    def is_tuned(self, extent: Extent) -> bool:
        """It always is."""
        del extent
        return True

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Event]:
        """Paint the cells; see `Inpainter.paint`."""
        for cell in by_weights(cell for cell in cells if cell is not None):
            if not cell.is_wanted():
                continue
            if refusal := refusal_of(self._family, cell.params):
                yield Failed(index=cell.index, reason=refusal)
                continue
            try:
                self._adapters.use(cell.loras)
                self._references.use([cell])
                with in_tiles(self._pipeline, paints_in_tiles(self._family, cell.params)):
                    yield from self._paint(cell)
            except UserInputError as error:
                yield Failed(index=cell.index, reason=str(error))
            except Exception as error:  # the library's own code, on a checkpoint that nobody here has seen
                if is_lasting_device_fault(error):
                    raise
                if is_out_of_memory(error):
                    yield Failed(index=cell.index, reason=TOO_LARGE)
                    continue
                logger.exception("%s could not paint cell %d", type(self._pipeline).__name__, cell.index)
                yield Failed(index=cell.index, reason=reason_of(error, self._family.title))
            finally:
                self._references.use(())  # the next one's LoRAs are loaded into the model as it is

    def _paint(self, cell: PaintCell) -> Iterator[Event]:
        yield Started(cell=cell)
        began = time.perf_counter()
        own_scheduler = getattr(self._pipeline, "scheduler", None)
        whole = edits_whole(self._family, cell.params)
        try:
            if cell.params.flow_shift:
                self._pipeline.scheduler = shifted(own_scheduler, cell.params.flow_shift)
            pipeline = editing_pipeline(self._pipeline, self._family) if whole else self._pipeline
            call = _Call(pipeline, self._arguments(cell, pipeline))
            # The pipelines of flows hand their scheduler no generator, and some draw noise in each step.
            torch.manual_seed(cell.params.seed)  # pyright: ignore[reportUnknownMemberType]
            try:
                of = effective_steps(self._family, cell.params)
                for step in call.steps():
                    yield Stepped(cell=cell, step=step, of=max(of, step), preview=None)
            finally:
                call.stop()
        finally:
            if whole:  # what moves parts to the device and away is known to the loaded pipeline alone
                self._pipeline.maybe_free_model_hooks()
            if cell.params.flow_shift:
                self._pipeline.scheduler = own_scheduler
        (picture,) = call.images()
        if not np.isfinite(picture).all():
            yield Failed(index=cell.index, reason=NO_NUMBERS)
            return
        image = np.rint(picture * 255).clip(0, 255).astype(np.uint8)
        # Some families choose the size themselves.
        image = resize(image, cell.canvas.extent)
        yield Finished(cell=cell, image=image, seconds={"denoise": time.perf_counter() - began})

    def _arguments(self, cell: PaintCell, pipeline: Any) -> dict[str, Any]:
        params, canvas = cell.params, cell.canvas
        wanted: dict[str, Any] = {
            "prompt": params.prompt,
            "image": Image.fromarray(canvas.init_image),
            "mask_image": Image.fromarray(canvas.mask_image),
            "height": canvas.extent.height,
            "width": canvas.extent.width,
            "max_area": canvas.extent.area,
            "strength": params.strength,
            "num_inference_steps": params.num_inference_steps,
            "generator": torch.Generator("cpu").manual_seed(params.seed),
            "clip_skip": params.clip_skip or None,
            "output_type": "np",
            "control_image": Image.fromarray(control_picture(canvas, params.control, cell.depth)),
            "controlnet_conditioning_scale": params.control_scale,
            **self._guidance(params),
            **self._reference(cell),
            **dict(self._family.fixed),
        }
        accepted = inspect.signature(pipeline.__call__).parameters
        return {name: value for name, value in wanted.items() if name in accepted}

    def _reference(self, cell: PaintCell) -> dict[str, Any]:
        guided = self._family.guides(cell.params.guidance_scale)
        seen = [self._references.seen(cell, negative=negative) for negative in ((True, False) if guided else (False,))]
        shown = [each for each in seen if each is not None]
        return {"ip_adapter_image_embeds": [torch.cat(shown)]} if shown else {}

    def _guidance(self, params: InpaintParams) -> dict[str, Any]:
        family, given = self._family, dict[str, Any]()
        if isinstance(family.guidance, Cfg | Distilled):
            given[family.guidance.argument] = params.guidance_scale
        negative: str | None = params.negative_prompt or None
        if isinstance(family.negative, Ignored):
            return given
        if negative is None and isinstance(family.guidance, Cfg):
            negative = family.guidance.blank
        if isinstance(family.negative, NeedsSecond) and negative is not None:
            given[family.negative.argument] = family.negative.value
        return given if negative is None else given | {"negative_prompt": negative}


class _Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Nobody waits for the picture any longer."""


class _Call:
    """One __call__ in a thread, so that its callback becomes a generator that can be closed."""

    def __init__(self, pipeline: Any, arguments: dict[str, Any]) -> None:
        self._pipeline = pipeline
        self._steps: Queue[int | None] = Queue()
        self._stopping = False
        self._images: Any = None
        self._error: BaseException | None = None
        accepted = inspect.signature(pipeline.__call__).parameters
        if "callback_on_step_end" in accepted:
            arguments = arguments | {"callback_on_step_end": self._note_step}
        elif "callback" in accepted:  # Kandinsky 2.1
            arguments = arguments | {"callback": self._note_old_step}
        self._thread = threading.Thread(target=self._run, args=(arguments,), daemon=True)

    def _run(self, arguments: dict[str, Any]) -> None:
        try:
            with torch.inference_mode(), ExitStack() as hooks:
                for part in _parts(self._pipeline):
                    hooks.callback(part.register_forward_pre_hook(self._check).remove)
                self._images = self._pipeline(**arguments).images
        except _Stopped:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._steps.put(None)

    def _check(self, module: Any, inputs: Any) -> None:
        """Before each evaluation: some pipelines have no switch that stops them, and Kandinsky's prior has no step."""
        del module, inputs
        if self._stopping:
            raise _Stopped

    def _note_step(self, pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        del pipeline, timestep
        self._steps.put(step + 1)
        return tensors

    def _note_old_step(self, step: int, timestep: Any, latents: Any) -> None:
        del timestep, latents
        self._steps.put(step + 1)

    def steps(self) -> Iterator[int]:
        """Numbers of finished steps, as they come."""
        self._thread.start()
        while (step := self._steps.get()) is not None:
            yield step

    def stop(self) -> None:
        """Let the call end before its next evaluation, and wait for it."""
        self._stopping = True
        self._thread.join()

    def images(self) -> Any:
        """float32 in [0, 1], NHWC, RGB."""
        if self._error is not None:
            raise self._error
        return self._images


def _parts(pipeline: Any) -> Iterator[torch.nn.Module]:
    """The pipeline's networks, and what they consist of: an autoencoder is entered by its encoder or its decoder."""
    for component in pipeline.components.values():
        if isinstance(component, torch.nn.Module):
            yield component
            yield from component.children()
