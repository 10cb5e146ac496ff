# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""An IP-Adapter in a loaded pipeline: attached where a cell has a reference picture, and gone where it has none."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bgen_core.errors import UserInputError
from bgen_core.models.devices import is_out_of_memory
from bgen_core.models.steering.ip_adapters import ENCODER, IPAdapter, encoder_fits, fetch_ip_adapter, without_encoder
from bgen_core.sweep.events import PaintCell
from bgen_core.sweep.steering.applied_reference import AppliedReference
from bgen_core.wording import quoted

logger = logging.getLogger(__name__)

KEPT_PICTURES = 64  # as they were read: up to 1.3 MB each


class ReferenceAdapter:
    """The IP-Adapter of one pipeline; the last one that was used stays loaded.

    Parameters
    ----------
    pipeline
        A loaded diffusers pipeline; what has no UNet is never asked for a reference.
    title
        The model's family, for sentences.
    """

    def __init__(self, pipeline: Any, title: str) -> None:
        self._pipeline = pipeline
        self._title = title
        self._held: IPAdapter | None = None
        self._own_attention: dict[str, Any] | None = None  # the UNet's, while the adapter's is in its place
        self._attention: dict[str, Any] = {}
        self._projection: Any = None
        self._pictures: dict[tuple[str, ...], tuple[torch.Tensor, torch.Tensor]] = {}

    def use(self, cells: Sequence[PaintCell]) -> None:
        """Let the reference of these cells act, which has one adapter and one scale, or none.

        Raises
        ------
        UserInputError
            The adapter does not fit the model, or cannot be had: then none acts.
        """
        self._detach()
        if not cells or cells[0].reference is None:
            return
        adapter, scale = cells[0].reference.adapter, cells[0].reference.scale
        # What is made in inference mode can never be moved outside it.
        with torch.inference_mode(False), torch.no_grad():
            if adapter != self._held:
                self._load(adapter)
            if len(self._pictures) > KEPT_PICTURES:
                self._pictures.clear()
            self._read(adapter, cells)
            self._attach(scale)

    def take_in(self, cells: Sequence[PaintCell]) -> None:
        """Have the pictures read of more cells with the reference that acts.

        Raises
        ------
        UserInputError
            Their pictures cannot be read.
        """
        if self._held is not None and any(cell.reference for cell in cells):
            with torch.inference_mode(False), torch.no_grad():
                self._read(self._held, cells)

    def seen(self, cell: PaintCell, *, negative: bool) -> torch.Tensor | None:
        """What the UNet gets of a cell's picture beside one of its texts, 1 × 1 × …; None where it has no picture.

        Beside the negative prompt stands what diffusers puts there: zeros, or how a grey picture reads.
        """
        if cell.reference is None:
            return None
        return self._pictures[_read_as(cell.reference)][negative]

    def _attach(self, scale: float) -> None:
        unet = self._pipeline.unet
        device, dtype = self._pipeline._execution_device, unet.dtype
        for processor in self._attention.values():
            if hasattr(processor, "to_k_ip"):
                processor.to(device, dtype)
                processor.scale = [scale]
        own = dict(unet.attn_processors)
        unet.set_attn_processor(dict(self._attention))  # which empties what it is given
        self._own_attention = own
        unet.encoder_hid_proj = self._projection.to(device, dtype)
        unet.config.encoder_hid_dim_type = "ip_image_proj"

    def _detach(self) -> None:
        """The UNet as it was, to the object: without a reference no bit may differ."""
        if self._own_attention is None:
            return
        unet = self._pipeline.unet
        unet.encoder_hid_proj = None  # first: some have attention of their own, which counts as the UNet's
        unet.config.encoder_hid_dim_type = None
        unet.set_attn_processor(self._own_attention)
        self._own_attention = None

    def _load(self, adapter: IPAdapter) -> None:
        from diffusers.models.embeddings import MultiIPAdapterImageProjection

        self._held = None
        path, _ = fetch_ip_adapter(adapter)
        try:
            tensors, unet = _tensors(path), self._pipeline.unet
            layers = sum(name.endswith("attn2.processor") for name in unet.attn_processors)
            if layers != sum(name.endswith(".to_k_ip.weight") for name in tensors["ip_adapter"]):
                raise ValueError(f"the model has {layers} layers of cross-attention")
            # The way of diffusers 0.42.1 that spares memory leaves tensors that are missing without a word.
            self._attention = unet._convert_ip_adapter_attn_to_diffusers([tensors], low_cpu_mem_usage=False)
            projection = unet._convert_ip_adapter_image_proj_to_diffusers(
                tensors["image_proj"], low_cpu_mem_usage=False
            )
            self._projection = MultiIPAdapterImageProjection([projection])
        except Exception as error:  # the library's own code, on a file that nobody here has seen
            if is_out_of_memory(error):
                raise
            logger.info("the IP-Adapter %s cannot be loaded", adapter.name, exc_info=True)
            raise UserInputError(
                f"IP-Adapter {quoted(adapter.name, 80)} does not fit {self._title}: it was made for another model, or "
                "is damaged; choose one that was made for this one."
            ) from error
        self._held = adapter

    def _read(self, adapter: IPAdapter, cells: Sequence[PaintCell]) -> None:
        """Have the encoder read the pictures that it has not read; it is loaded for that alone, and then goes."""
        wanted = {_read_as(cell.reference): cell.shown for cell in cells if cell.reference}
        if missing := wanted.keys() - self._pictures.keys():
            encoder = self._encoder(adapter)
            self._pictures |= {key: self._read_one(encoder, wanted[key]) for key in missing}

    def _encoder(self, adapter: IPAdapter) -> Any:
        path, folder = fetch_ip_adapter(adapter)
        if folder is None:
            own = getattr(self._pipeline, ENCODER, None)
            if own is None or not encoder_fits(own.config.to_dict(), path):
                raise UserInputError(without_encoder(adapter, "the model"))
            return own
        from transformers import CLIPVisionModelWithProjection

        try:
            encoder = CLIPVisionModelWithProjection.from_pretrained(
                folder, dtype=self._pipeline.unet.dtype, use_safetensors=True, local_files_only=True
            )
        except Exception as error:  # the library's own code, on files that nobody here has seen
            logger.info("the image encoder of %s cannot be loaded", adapter.name, exc_info=True)
            raise UserInputError(
                f"The image encoder of the IP-Adapter {quoted(adapter.name, 80)} cannot be loaded: "
                f"download its folder {ENCODER} again."
            ) from error
        return encoder.to(self._pipeline._execution_device).eval()

    def _read_one(self, encoder: Any, shown: np.ndarray | None) -> tuple[torch.Tensor, torch.Tensor]:
        """As diffusers' `encode_image` does."""
        from transformers import CLIPImageProcessorPil as CLIPImageProcessor  # CLIPImageProcessor's needs torchvision

        if shown is None:
            raise RuntimeError("a cell with a reference has no picture")
        side = encoder.config.image_size
        pixels = CLIPImageProcessor(size=side, crop_size=side)(shown, return_tensors="pt").pixel_values
        pixels = pixels.to(self._pipeline._execution_device, encoder.dtype)
        (projection,) = self._projection.image_projection_layers
        if type(projection).__name__ == "ImageProjection":
            positive = encoder(pixels).image_embeds
            return positive[None], torch.zeros_like(positive)[None]
        positive, negative = (
            encoder(each, output_hidden_states=True).hidden_states[-2] for each in (pixels, torch.zeros_like(pixels))
        )
        return positive[None], negative[None]


def _tensors(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    from safetensors.torch import load_file

    found: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, tensor in load_file(path).items():
        part, _, name = key.partition(".")
        if part in found:
            found[part][name] = tensor
    return found


def _read_as(reference: AppliedReference) -> tuple[str, ...]:
    return reference.picture, reference.adapter.content, reference.adapter.encoder_content
