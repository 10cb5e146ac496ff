"""ControlNets that see what a UNet of nine channels sees, as Yahoo's for backgrounds does.

diffusers 0.42.1 hands a ControlNet the latents alone, and the UNet the mask and the masked photo too.
"""

from typing import Any

import torch


def let_controlnet_see_mask(pipeline: Any) -> None:
    """Let a pipeline's own call hand its ControlNet the mask too, where that takes nine channels."""
    controlnet = getattr(pipeline, "controlnet", None)
    if controlnet is None or getattr(controlnet.config, "in_channels", 4) != 9 or controlnet._forward_pre_hooks:
        return  # what sees it already is not shown it twice
    prepare, seen = pipeline.prepare_mask_latents, list[torch.Tensor]()

    def note(*given: Any, **named: Any) -> Any:
        mask, masked_photo = prepare(*given, **named)
        seen[:] = [mask, masked_photo]
        return mask, masked_photo

    def join(module: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        del module
        return (torch.cat([given[0], *seen], dim=1), *given[1:])

    pipeline.prepare_mask_latents = note
    controlnet.register_forward_pre_hook(join)
