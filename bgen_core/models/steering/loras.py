"""LoRAs: how they are asked for, and which exact file a name stands for, found without importing torch."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bgen_core.errors import UserInputError
from bgen_core.models.content_hash import hash_file
from bgen_core.models.hub.client import hub_fault
from bgen_core.models.steering.weight_files import SUFFIX, file_in_folder, header_of, names_in_folder, not_there
from bgen_core.wording import quoted

MOST_LORAS = 10
MOST_WEIGHT = 10.0
FORM = "name:0.8, other:0.5"
NEEDS_PEFT = "LoRAs need the package peft, which is not installed: install the version in requirements-lora.txt"

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_TAG = re.compile(r"<lora:([^<>]*)>")
_HUB_ID = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:/(.+\.safetensors))?")
_MOST_LISTED = 12
# In the order in which they are looked for in a model of the Hub that has several
_USUAL_NAMES = ("pytorch_lora_weights.safetensors", "adapter_model.safetensors")


@dataclass(frozen=True, kw_only=True)
class WeighedLora:
    """A LoRA as it is asked for: by its name, with the factor of what it adds to the model's weights."""

    name: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class LoraFile:
    """A LoRA pinned to its exact bytes.

    Attributes
    ----------
    name
        As it was asked for.
    content
        SHA-256 of its bytes.
    path
        Where it lies; None while it is on the Hub alone.
    hub
        Repository, file and commit of one of the Hub, else None.
    """

    name: str
    content: str
    path: Path | None
    hub: tuple[str, str, str] | None = None


@lru_cache(maxsize=1024)  # each cell of a sweep asks again
def read_loras(text: str) -> tuple[WeighedLora, ...]:
    """The LoRAs that a text names: "ink:0.8, mist", where no weight is 1, or A1111's "<lora:ink:0.8>".

    Raises
    ------
    UserInputError
        Names the piece and how to write it.

    Examples
    --------
    >>> [(each.name, each.weight) for each in read_loras("ink:0.8, <lora:mist:0.5>, owner/name")]
    [('ink', 0.8), ('mist', 0.5), ('owner/name', 1.0)]
    """
    pieces = [piece.strip() for piece in _TAG.sub(r",\1,", text).split(",")]
    found = tuple(_read_piece(piece) for piece in pieces if piece)
    if len(found) > MOST_LORAS:
        raise UserInputError(f"lora names {len(found)} LoRAs: at most {MOST_LORAS} are allowed at once.")
    return found


def _read_piece(piece: str) -> WeighedLora:
    name, colon, weight = piece.rpartition(":")
    if not colon:
        name, weight = piece, "1"
    name, weight = name.strip(), weight.strip()
    if not name or ":" in name or not name.isprintable() or not _NUMBER.fullmatch(weight):
        raise UserInputError(f"lora {quoted(piece, 60)} cannot be read: write {FORM}.")
    number = float(weight)
    if not abs(number) <= MOST_WEIGHT:
        raise UserInputError(
            f"lora {quoted(piece, 60)} has a weight that is not allowed: choose {-MOST_WEIGHT:g} to {MOST_WEIGHT:g}."
        )
    return WeighedLora(name=name, weight=number)


def weigh(loras: Iterable[WeighedLora], factor: float) -> tuple[WeighedLora, ...]:
    """The LoRAs with their weights times a factor, without those that weigh nothing."""
    weighed = (WeighedLora(name=each.name, weight=_product(each.weight, factor)) for each in loras)
    return tuple(each for each in weighed if each.weight)


def _product(weight: float, factor: float) -> float:
    """0.7 × 0.1 is the weight 0.07, and not a neighbour of it."""
    product = weight * factor
    return round(product, 12) if math.isfinite(product) else product


def take_tags(prompt: str) -> tuple[str, str]:
    """A prompt of A1111 without its <lora:…>, and the LoRAs that these name, as `read_loras` reads them."""
    loras = ", ".join(tag for tag in _TAG.findall(prompt) if tag.strip())
    return re.sub(r"[ \t]{2,}", " ", _TAG.sub("", prompt)).strip(" ,\t") if loras else prompt, loras


def can_be_applied() -> bool:
    """Whether LoRAs can be applied here at all."""
    return find_spec("peft") is not None


def find_loras(texts: Iterable[str], folder: Path) -> dict[str, LoraFile]:
    """Name -> file, of all LoRAs that texts name.

    Parameters
    ----------
    folder
        Where the deployment's LoRAs are.

    Raises
    ------
    UserInputError
        One of them is not there, damaged or no LoRA, or the package that they need is missing.
    """
    names = dict.fromkeys(each.name for text in texts for each in read_loras(text))
    if names and not can_be_applied():
        raise UserInputError(f"{NEEDS_PEFT}, or leave lora empty.")
    return {name: _find(name, folder) for name in names}


def _find(name: str, folder: Path) -> LoraFile:
    path = file_in_folder(name, folder)
    if path is not None:
        _check(name, path)
        return LoraFile(name=name, content=hash_file(path), path=path)
    if found := _HUB_ID.fullmatch(name):
        return _on_hub(name, found[1], found[2])
    raise not_there(
        "LoRA",
        name,
        offered=names_in_folder(folder),
        instead="a Hub id such as owner/name",
        setting="BGEN_LORAS",
    )


def hub_repository(name: str) -> str | None:
    """The repository of the Hub in which a LoRA of that name would be looked for, if in any."""
    found = _HUB_ID.fullmatch(name)
    return found[1] if found else None


def _check(name: str, path: Path) -> None:
    """Refuse what is no LoRA, as far as its first bytes tell."""
    if not count_layers(header_of("LoRA", name, path)):
        raise UserInputError(
            f"LoRA {quoted(name, 80)} is none: no tensor of its file belongs to a LoRA; choose another file."
        )


def count_layers(header: Iterable[str]) -> int:
    """Number of layers that a LoRA changes, by the names of its tensors in any of the forms that diffusers reads."""
    ends = ("lora_A", "lora_down", "lora.down", "lora_linear_layer.down")
    return sum(any(end in name for end in ends) and "alpha" not in name for name in header)


def _on_hub(name: str, repository: str, file: str | None) -> LoraFile:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for wanted in (file,) if file else _USUAL_NAMES:
        try:
            cached = try_to_load_from_cache(repository, wanted)
        except HFValidationError as error:
            raise UserInputError(f"LoRA {quoted(name, 80)} is not there, and {hub_fault(error)}") from error
        if isinstance(cached, str):
            _check(name, Path(cached))
            return LoraFile(name=name, content=hash_file(Path(cached)), path=Path(cached))
    return _ask_hub(name, repository, file)


def _ask_hub(name: str, repository: str, file: str | None) -> LoraFile:
    """What the Hub says of a file that is not here yet; it is fetched when it is needed."""
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(repository, files_metadata=True, timeout=10)
    except Exception as error:  # see `hub_fault`
        raise UserInputError(f"LoRA {quoted(name, 80)} {hub_fault(error)}") from error
    files = {each.rfilename: each for each in info.siblings or () if each.rfilename.endswith(SUFFIX)}
    usual = next((each for each in _USUAL_NAMES if each in files), None)
    chosen = file or usual or (next(iter(files)) if len(files) == 1 else "")
    content: Any = files[chosen].lfs if chosen in files else None
    if content is None or not info.sha:
        listed = ", ".join(sorted(files)[:_MOST_LISTED])
        raise UserInputError(
            f"LoRA {quoted(name, 80)} names no one file of weights on the Hugging Face Hub: "
            + (f"write {repository}/FILE with one of {listed}." if files else "it has no .safetensors file.")
        )
    return LoraFile(name=name, content=str(content.sha256), path=None, hub=(repository, chosen, info.sha))


def fetch_lora(lora: LoraFile) -> Path:
    """Where the LoRA's file lies, with the bytes that it was planned with; one of the Hub is downloaded first.

    Raises
    ------
    UserInputError
        It cannot be had, or is another file now.
    """
    path = lora.path
    if path is None:
        from huggingface_hub import hf_hub_download  # pyright: ignore[reportUnknownVariableType]

        repository, file, commit = lora.hub or ("", "", "")
        try:
            path = Path(hf_hub_download(repository, file, revision=commit))
        except Exception as error:  # see `hub_fault`
            raise UserInputError(f"LoRA {quoted(lora.name, 80)} {hub_fault(error)}") from error
        _check(lora.name, path)
    if not path.is_file() or hash_file(path) != lora.content:
        raise UserInputError(f"LoRA {quoted(lora.name, 80)} was changed since this was planned: start again.")
    return path
