"""Which kernel computes a network's attention: torch's own choice, or the one that a GPU is faster with."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Literal, get_args

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from bgen_core.models.devices import is_lasting_device_fault

logger = logging.getLogger(__name__)

Attention = Literal["torch", "cudnn", "flash", "efficient"]
ATTENTIONS: tuple[Attention, ...] = get_args(Attention)
WORTHWHILE_GAIN = 1.05  # less than that is within what two measurements differ by

_KERNELS = {
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
}


_preferred = ExitStack()


def prefer(attention: Attention) -> None:
    """Compute attention by a kernel from now on; what it cannot compute, as with some masks, another one does.

    It holds for all threads and networks of the process, since torch keeps one order of kernels for all.
    """
    _preferred.close()
    if attention != "torch":
        first = _KERNELS[attention]
        others = [kernel for kernel in (*_KERNELS.values(), SDPBackend.MATH) if kernel is not first]
        preferring = sdpa_kernel([first, *others], set_priority=True)  # pyright: ignore[reportUnknownVariableType]
        _preferred.enter_context(preferring)  # pyright: ignore[reportUnknownArgumentType]


def attentions_on(device: torch.device) -> tuple[Attention, ...]:
    """Among which a device chooses, torch's own choice first: on a CPU bits follow from the kernel."""
    return ATTENTIONS if device.type == "cuda" else ATTENTIONS[:1]


def choose_attention(attentions: Sequence[Attention], seconds: Callable[[Attention], float]) -> Attention:
    """The fastest kernel; the first, which is torch's own choice, where the gain is small.

    Parameters
    ----------
    seconds
        What a full batch takes while a kernel is preferred; one that fails is not taken.
    """
    if len(attentions) == 1:
        return attentions[0]
    spent: dict[Attention, float] = {}
    for attention in attentions:
        try:
            spent[attention] = seconds(attention)
        except RuntimeError as error:
            if not spent or is_lasting_device_fault(error):
                raise
            logger.info("attention is not computed by %s here", attention, exc_info=True)
    logger.info("a full batch takes %s", ", ".join(f"{each:.4f} s with {name}" for name, each in spent.items()))
    fastest = min(spent, key=spent.__getitem__)
    return fastest if spent[fastest] * WORTHWHILE_GAIN < spent[attentions[0]] else attentions[0]
