"""Whether a saved pipeline's folder holds what it says, looked at before anything is loaded.

A library that meets a missing or damaged file says so in its own words, after minutes; here it is one sentence with the
part, the file and the remedy.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from bgen_core.errors import ModelLoadError
from bgen_core.json_value import JsonValue
from bgen_core.wording import quoted

_AGAIN = "download or save the model again"
_LIBRARIES = ("diffusers", "transformers")
_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
_LFS = b"version https://git-lfs"
_LONGEST_HEADER = 100_000_000  # safetensors' own limit


def explain_folder(folder: Path) -> str:
    """What a folder without model_index.json is, as far as that can be told; completes "model … "."""
    names = {path.name for path in folder.iterdir()}
    config = _read(folder / "config.json") if "config.json" in names else None
    kind = str(config.get("_class_name") or next(iter(_architectures(config)), "")) if config else ""
    if "adapter_config.json" in names or any("lora" in name.lower() for name in names if name.endswith(".safetensors")):
        return f"is a LoRA ({folder}), which changes a model and is none: give the folder of a whole pipeline."
    if "ControlNet" in kind:
        return f"is a ControlNet ({folder}), which steers a model and is none: give the folder of a whole pipeline."
    if kind:
        return f"is one part of a pipeline ({kind[:60]} in {folder}): give the whole one's folder."
    if not names:
        return f"is an empty folder: {folder} has no model_index.json; {_AGAIN}."
    if single := sorted(name for name in names if name.endswith((".safetensors", ".ckpt"))):
        return f"is no saved diffusers pipeline: {folder} has {single[0]}, but no model_index.json."
    return f"is not a saved diffusers pipeline: the folder {folder} has no model_index.json."


def explain_file(file: Path) -> str:
    """What a file that was given as a model is; completes "model … "."""
    if file.suffix in PICKLES:
        return f"is a pickle ({file}), which could run any program and is never opened: give a folder of safetensors."
    if file.suffix == ".safetensors":
        try:
            keys = weights_header(file).keys()
        except ValueError as error:
            return f"cannot be read: {file} {error}: {_AGAIN}."
        if any("lora" in key.lower() for key in keys):
            return f"is a LoRA ({file}), which changes a model and is none: give the folder of a whole pipeline."
        return (
            f"is a single file ({file}): only folders of saved pipelines are read; diffusers' `from_single_file` and "
            "`save_pretrained` make one of it."
        )
    return f"is a file ({file}): give the folder of a saved diffusers pipeline."


def check_folder(spec: str, folder: Path, index: Mapping[str, Any]) -> None:
    """Look at each part that a saved pipeline names.

    Parameters
    ----------
    index
        Its model_index.json.

    Raises
    ------
    ModelLoadError
        A part is missing, damaged, a pickle, or brings code of its own.
    """
    if "movq" in index and "prior_prior" not in index:
        raise ModelLoadError(
            f"model {quoted(spec)} cannot be used: {folder} is Kandinsky's decoder alone, and its prior is missing: "
            "save the combined pipeline."
        )
    for name, library, kind in _parts(index):
        if fault := _fault(folder / name, library, kind):
            raise ModelLoadError(
                f"model {quoted(spec)} cannot be used: its part {name} ({kind}) {fault}; or choose the model 'demo'."
            )


def weights_variant(folder: Path, index: Mapping[str, Any]) -> str | None:
    """The variant that a folder's weights are saved as ("fp16"), where a part has them in no other way."""
    for name, _, kind in _parts(index):
        if _is_network(kind):
            variants = {_variant(path) for path in (folder / name).glob("*.safetensors")}
            if variants and None not in variants:
                return sorted(variant for variant in variants if variant)[0]
    return None


def count_weights(folder: Path, index: Mapping[str, Any], variant: str | None) -> int:
    """Numbers that a model holds, without its safety checker, as its files' headers say."""
    total = 0
    for name, _, kind in _parts(index):
        if _is_network(kind):
            weights = [*(folder / name).glob("*.safetensors")]
            chosen = [path for path in weights if _variant(path) == variant] or weights
            total += sum(_numbers(tensor) for path in chosen for tensor in weights_header(path).values())
    return total


def _numbers(tensor: JsonValue) -> int:
    shape: JsonValue = tensor.get("shape") if isinstance(tensor, dict) else None
    return prod(side for side in shape if isinstance(side, int)) if isinstance(shape, list) else 0


def absent_parts(index: Mapping[str, Any]) -> tuple[str, ...]:
    """Parts that a pipeline was saved without."""
    return tuple(name for name, said in index.items() if said == [None, None])


def _parts(index: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, said in index.items():
        match said:
            case [str(library), str(kind)] if not name.startswith("_"):
                yield name, library, kind
            case _:
                pass


def _fault(place: Path, library: str, kind: str) -> str:
    if (place / f"{library}.py").is_file() or (place.parent / f"{library}.py").is_file():
        return f"brings its own code ({library}.py), which is never run"
    if not place.is_dir():
        return f"is missing: there is no folder {place}; {_AGAIN}"
    for path in sorted(place.glob("*.json")):
        stat = path.stat()
        if not _is_json(path, stat.st_size, stat.st_mtime_ns):
            return f"is damaged: {path} is no JSON; {_AGAIN}"
    if "Tokenizer" in kind:
        return "" if any((place / name).is_file() for name in _TOKENIZER_FILES) else _lacks(place, _TOKENIZER_FILES[0])
    if "Scheduler" in kind:
        return "" if (place / "scheduler_config.json").is_file() else _lacks(place, "scheduler_config.json")
    if not _is_network(kind) or library not in _LIBRARIES:
        return ""
    return _weights_fault(place)


@lru_cache(maxsize=256)
def _is_json(path: Path, size: int, modified_ns: int) -> bool:
    """Size and time are part of the cache's key, so an edit is seen: a vocabulary has megabytes."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _is_network(kind: str) -> bool:
    return not any(
        word in kind for word in ("Tokenizer", "Scheduler", "Processor", "FeatureExtractor", "SafetyChecker")
    )


def _weights_fault(place: Path) -> str:
    config = _read(place / "config.json")
    if config is None:
        return _lacks(place, "config.json")
    if "auto_map" in config:
        return f"brings its own code ({place / 'config.json'} names it), which is never run"
    weights = sorted(place.glob("*.safetensors"))
    if not weights:
        pickles = sorted(path.name for path in place.glob("*") if path.suffix in (".bin", ".pt", ".pth", ".ckpt"))
        if pickles:
            return (
                f"is saved as a pickle ({pickles[0]}), which could run any program and is never opened: save it as "
                "safetensors"
            )
        return f"has no weights: {place} has no .safetensors file; {_AGAIN}"
    for listing in sorted(place.glob("*.safetensors.index.json")):
        content = _read(listing) or {}
        named: JsonValue = content.get("weight_map")
        for shard in sorted(set(map(str, named.values())) if isinstance(named, dict) else set()):
            if not (place / shard).is_file():
                return f"lacks a part of its weights: {place / shard}; {_AGAIN}"
    for path in weights:
        try:
            weights_header(path)
        except ValueError as error:
            return f"is damaged: {path} {error}; {_AGAIN}"
    return ""


def weights_header(path: Path) -> dict[str, Any]:
    """What a safetensors file says of its tensors.

    Raises
    ------
    ValueError
        Completes "the file …".
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    return _readweights_header(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _readweights_header(path: Path, size: int, modified_ns: int) -> dict[str, Any]:
    """See `_is_json`: pages ask for a model at each run of their script."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(_LFS))
            if begin == _LFS:
                raise ValueError("is a pointer of Git LFS and not the weights (git lfs pull fetches them)")
            file.seek(0)
            length = int.from_bytes(file.read(8), "little")
            if not size:
                raise ValueError("is empty")
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise ValueError("is cut off, or no safetensors file")
            header: JsonValue = json.loads(file.read(length))
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError("is no safetensors file") from error
    except json.JSONDecodeError as error:
        raise ValueError("is no safetensors file") from error
    if not isinstance(header, dict):
        raise ValueError("is no safetensors file")
    ends = [_end(tensor) for name, tensor in header.items() if name != "__metadata__"]
    if 8 + length + max(ends, default=0) != size:
        raise ValueError("is cut off")
    return header


def _end(tensor: JsonValue) -> int:
    """Where a tensor's bytes end, from the end of the header on."""
    match tensor:
        case {"data_offsets": [int(), int(end)]}:
            return end
        case _:
            raise ValueError("is no safetensors file")


def _variant(path: Path) -> str | None:
    """fp16 of "model.fp16.safetensors" and "model.fp16-00001-of-00002.safetensors"."""
    pieces = path.name.removesuffix(".safetensors").split(".")
    return pieces[1].partition("-")[0] if len(pieces) > 1 else None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: JsonValue = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _architectures(config: Mapping[str, Any] | None) -> list[str]:
    named: JsonValue = config.get("architectures") if config else None
    return [str(name) for name in named] if isinstance(named, list) else []


def _lacks(place: Path, name: str) -> str:
    return f"is incomplete: {place} has no {name}; {_AGAIN}"
