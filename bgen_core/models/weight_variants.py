"""Which of a model's files are needed: weights can be published several times, whole and as variants ("fp16").

Everything here is about names of files, relative to the model, so that it holds for a folder and for the Hub's listing.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

# Numbers of the format that a device computes in; in others a variant is a loss.
_VARIANT_OF = {"float16": "fp16", "bfloat16": "bf16"}
VARIANTS = (None, *_VARIANT_OF.values())
_SHARD = re.compile(r"-(\d+)-of-(\d+)$")
_SETTINGS = (".json", ".txt", ".model", ".jinja")


def parts_of(index: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The parts that a model_index.json names: name, library, class."""
    for name, said in index.items():
        match said:
            case [str(library), str(kind)] if not name.startswith("_"):
                yield name, library, kind
            case _:
                pass


def is_network(kind: str) -> bool:
    """Whether a part of that class has weights that are always loaded."""
    return not any(
        word in kind for word in ("Tokenizer", "Scheduler", "Processor", "FeatureExtractor", "SafetyChecker")
    )


def networks(index: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, _, kind in parts_of(index) if is_network(kind))


def variant_of(name: str) -> str | None:
    """fp16 of "unet/model.fp16.safetensors" and "unet/model.fp16-00001-of-00002.safetensors"."""
    pieces = name.rpartition("/")[2].removesuffix(".safetensors").split(".")
    return pieces[1].partition("-")[0] if len(pieces) > 1 else None


def weights_of(part: str, variant: str | None, names: Iterable[str]) -> tuple[str, ...]:
    """Files of a part's weights as that variant; as they are where it has them in no such way, as diffusers does."""
    weights = [name for name in names if name.startswith(f"{part}/") and name.endswith(".safetensors")]
    weights = [name for name in weights if name.count("/") == 1]
    chosen = [name for name in weights if variant_of(name) == variant]
    return tuple(chosen or ([name for name in weights if variant_of(name) is None] if variant else []))


def lacking(parts: Iterable[str], variant: str | None, names: Collection[str]) -> str | None:
    """The first part whose weights are not all there."""
    for part in parts:
        weights = weights_of(part, variant, names)
        shards = [shard for name in weights if (shard := _SHARD.search(name.removesuffix(".safetensors")))]
        if not weights or any(int(shard[2]) != len(shards) for shard in shards):
            return part
    return None


def choose_variant(
    parts: Collection[str], dtype_name: str, *, here: Collection[str], there: Collection[str]
) -> str | None:
    """The variant to load in that number format.

    Parameters
    ----------
    here, there
        Names of the files that are on this machine, and of all that are published.

    Returns
    -------
    str | None
        Weights as they are for None. Half precision takes what is here; else the smaller download.
    """
    fits = _VARIANT_OF.get(dtype_name.partition("+")[0])
    anything = sorted({variant for name in there if name.endswith(".safetensors") and (variant := variant_of(name))})
    wishes: list[tuple[str | None, Collection[str]]] = [(None, here)]
    if fits and fits in anything:
        wishes += [(fits, here), (fits, there)]
    wishes += [(None, there), *((variant, there) for variant in anything)]
    return next((variant for variant, names in wishes if lacking(parts, variant, names) is None), None)


def files_of(
    index: Mapping[str, Any], names: Iterable[str], variant: str | None, *, weighted: Collection[str]
) -> set[str]:
    """The files that a model is loaded from.

    Parameters
    ----------
    weighted
        The parts whose weights are wanted.
    """
    names = list(names)
    wanted = {name for name in names if name == "model_index.json"}
    for part, _, _ in parts_of(index):
        wanted |= {
            name
            for name in names
            if name.startswith(f"{part}/") and name.endswith(_SETTINGS) and not name.endswith(".index.json")
            and ".index." not in name
        }  # fmt: skip
        if part in weighted:
            weights = weights_of(part, variant, names)
            wanted |= {*weights}
            if any(_SHARD.search(name.removesuffix(".safetensors")) for name in weights):
                of = {variant_of(name) for name in weights}
                wanted |= {name for name in names if name.startswith(f"{part}/") and _lists(name, of)}
    return wanted


def _lists(name: str, variants: Collection[str | None]) -> bool:
    """Whether it is the list of shards: model.safetensors.index.json, model.safetensors.index.fp16.json."""
    return any(
        name.endswith(f".safetensors.index.{variant}.json" if variant else ".safetensors.index.json")
        for variant in variants
    )
