"""LoRAs in a loaded pipeline: read once, and switched between cells without loading the model again."""

import logging
import warnings
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from itertools import chain, islice
from typing import Any

import torch

from bgen_core.errors import UserInputError
from bgen_core.models.devices import is_out_of_memory
from bgen_core.models.safetensors_header import read_header
from bgen_core.models.steering.loras import count_layers, fetch_lora
from bgen_core.sweep.applied_loras import AppliedLora
from bgen_core.sweep.events import PaintCell
from bgen_core.wording import quoted

logger = logging.getLogger(__name__)

LOOKED_AHEAD = 64  # cells of families without a batch
MOST_LOADED = 8  # beside the cells' own: a small one has 10 MB, a large one 300


def by_weights(cells: Iterable[PaintCell]) -> Iterator[PaintCell]:
    """The cells, those with the same adapters and weights of them together, as far as a few are looked ahead."""
    ahead = iter(cells)
    while window := list(islice(ahead, LOOKED_AHEAD)):
        groups: dict[Hashable, list[PaintCell]] = {}
        for cell in window:
            groups.setdefault((cell.loras, cell.reference and cell.reference.weight), []).append(cell)
        yield from chain.from_iterable(groups.values())


class Adapters:
    """The LoRAs of one pipeline.

    Parameters
    ----------
    pipeline
        A loaded diffusers pipeline.
    title
        The model's family, for sentences.
    """

    def __init__(self, pipeline: Any, title: str) -> None:
        self._pipeline = pipeline
        self._title = title
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self._active: tuple[tuple[str, float], ...] | None = None  # not known before the first look

    def use(self, loras: tuple[AppliedLora, ...]) -> bool:
        """Let these LoRAs act and no others; says whether the weights are other ones now.

        Raises
        ------
        UserInputError
            One of them does not fit the model, or cannot be had: then none acts.
        """
        wanted = tuple(each.in_address for each in loras)
        if wanted == self._active:
            return False
        self._active = None
        try:
            # What is made in inference mode can never be changed outside it; int8's tensors cannot be read within it.
            with torch.inference_mode(self._was_moved()), torch.no_grad(), warnings.catch_warnings():
                # peft 0.21.2 wonders about a second one in a model, and about one that goes: both are wanted.
                warnings.filterwarnings("ignore", message="Already found a `peft_config`", category=UserWarning)
                warnings.filterwarnings("ignore", message="Adapter .* was active", category=UserWarning)
                # It tells how weights could be merged, which nothing here does.
                warnings.filterwarnings("ignore", message="TorchaoLoraLinear was", category=UserWarning)
                self._switch(loras)
        except Exception:
            self._disable()
            raise
        self._active = wanted
        return True

    def _switch(self, loras: tuple[AppliedLora, ...]) -> None:
        for each in loras:
            if each.file.content in self._loaded:
                self._loaded.move_to_end(each.file.content)
            else:
                self._load(each)
        if not loras:
            self._disable()
            return
        self._pipeline.enable_lora()
        self._pipeline.set_adapters([_adapter(each.file.content) for each in loras], [each.weight for each in loras])
        while len(self._loaded) > max(MOST_LOADED, len(loras)):  # none of those that act
            self._pipeline.delete_adapters(_adapter(self._loaded.popitem(last=False)[0]))

    def _disable(self) -> None:
        if self._there():
            self._pipeline.disable_lora()

    def _was_moved(self) -> bool:
        """Whether painting has moved LoRAs to the device or back, which makes their tensors anew in inference mode."""
        parts = (part for part in self._pipeline.components.values() if isinstance(part, torch.nn.Module))
        return any(each.is_inference() for part in parts for name, each in part.named_parameters() if "lora_" in name)

    def _there(self) -> set[str]:
        """Names of all adapters that the pipeline holds."""
        if find_spec("peft") is None or not hasattr(self._pipeline, "get_list_adapters"):
            return set()
        return {name for names in self._pipeline.get_list_adapters().values() for name in names}

    def _load(self, lora: AppliedLora) -> None:
        path, name = fetch_lora(lora.file), _adapter(lora.file.content)
        try:
            if name not in self._there():
                self._pipeline.load_lora_weights(
                    str(path.parent),
                    weight_name=path.name,
                    adapter_name=name,
                    use_safetensors=True,
                    local_files_only=True,
                )
            taken, given = self._count(name), count_layers(read_header(path))
            if taken < given:
                raise ValueError(f"{given - taken} of its {given} layers are not in the model")
        except Exception as error:  # the library's own code, on a file that nobody here has seen
            if is_out_of_memory(error):
                raise
            logger.info("the LoRA %s cannot be loaded", lora.file.name, exc_info=True)
            with suppress(Exception):
                self._pipeline.delete_adapters(name)
            raise UserInputError(
                f"LoRA {quoted(lora.file.name, 80)} does not fit {self._title}: it was made for another model, or is "
                "damaged; choose one that was made for this one."
            ) from error
        self._loaded[lora.file.content] = None

    def _count(self, name: str) -> int:
        """Layers of the pipeline that have the adapter."""
        parts = [part for part in self._pipeline.components.values() if isinstance(part, torch.nn.Module)]
        kinds = ("lora_A", "lora_embedding_A")
        return sum(
            any(name in getattr(module, kind, ()) for kind in kinds) for part in parts for module in part.modules()
        )


def _adapter(content: str) -> str:
    """peft takes no name with a dot."""
    return f"lora_{content[:32]}"
