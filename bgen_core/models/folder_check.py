"""Whether a saved pipeline's folder holds what it says, looked at before anything is loaded.

A library that meets a missing or damaged file says so in its own words, after minutes; here it is one sentence with the
part, the file and the remedy.
"""

import json
import math
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from bgen_core.errors import ModelLoadError, reason
from bgen_core.json_value import NO_JSON, JsonValue
from bgen_core.models.safetensors_header import DOWNLOAD_AGAIN, numbers_of, read_header
from bgen_core.models.weight_variants import is_network, parts_of, weights_of
from bgen_core.wording import quoted

_LIBRARIES = ("diffusers", "transformers")
_NEVER_ABSENT = ("unet", "transformer", "vae", "movq", "scheduler", "controlnet")
_READERS = ("tokenizer", "text_encoder", "tokenizer_2", "text_encoder_2")  # Stable Diffusion 3 does without its third
_SAYS_ALL = ("config.json", "scheduler_config.json")  # what they leave out is a library's default, and another model's
_OBJECTS = (*_SAYS_ALL, "tokenizer_config.json", "tokenizer.json")
_WHOLE_NUMBERS = ("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64")
_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)


@contextmanager
def reading(spec: str) -> Generator[None]:
    """Files of a model that cannot be read are a sentence, wherever that turns out.

    Raises
    ------
    ModelLoadError
        Names the file and why.
    """
    try:
        yield
    except OSError as error:
        raise ModelLoadError(unreadable(spec, error, error.filename or "one of its files")) from error


def unreadable(spec: str, error: OSError, file: object) -> str:
    """The sentence about a file of a model that the system does not give, with what helps."""
    remedy = "give access to it" if isinstance(error, PermissionError) else DOWNLOAD_AGAIN
    return f"model {quoted(spec)} cannot be read: {file} ({reason(error)}): {remedy}."


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
        return f"is an empty folder: {folder} has no model_index.json; {DOWNLOAD_AGAIN}."
    if single := sorted(name for name in names if name.endswith((".safetensors", ".ckpt"))):
        return f"is no saved diffusers pipeline: {folder} has {single[0]}, but no model_index.json."
    return f"is not a saved diffusers pipeline: the folder {folder} has no model_index.json."


def explain_file(file: Path) -> str:
    """What a file that was given as a model is; completes "model … "."""
    if file.suffix in (".ckpt", ".pt", ".pth", ".bin", ".pkl"):
        return f"is a pickle ({file}), which could run any program and is never opened: give safetensors."
    if file.suffix == ".gguf":
        return f"is a quantised file ({file}), which is not read here: give a .safetensors file or a folder."
    return f"is a file ({file}): give a .safetensors file, or the folder of a saved diffusers pipeline."


def check_folder(spec: str, folder: Path, index: Mapping[str, Any], *, held: Collection[str] = ()) -> None:
    """Look at each part that a saved pipeline names.

    Parameters
    ----------
    index
        Its model_index.json.
    held
        Parts whose weights lie elsewhere.

    Raises
    ------
    ModelLoadError
        A part is missing, damaged, a pickle, or brings code of its own.
    """
    if fault := _index_fault(index):
        raise ModelLoadError(
            f"model {quoted(spec)} cannot be used: {fault}; {DOWNLOAD_AGAIN}, or choose the model 'demo'."
        )
    for name, library, kind in parts_of(index):
        if fault := _fault(folder / name, library, kind, has_weights=name not in held):
            raise ModelLoadError(
                f"model {quoted(spec)} cannot be used: its part {name} ({kind}) {fault}; or choose the model 'demo'."
            )


def names_in(folder: Path) -> frozenset[str]:
    """Files of a saved pipeline, as "unet/config.json"; links that lead nowhere are none."""
    return frozenset(path.relative_to(folder).as_posix() for path in folder.glob("*/*") if path.is_file()) | frozenset(
        path.name for path in folder.glob("*") if path.is_file()
    )


def count_weights(folder: Path, parts: Iterable[str], variant: str | None) -> int:
    """Numbers that parts of a model hold, as their files' headers say."""
    names = names_in(folder)
    files = (folder / name for part in parts for name in weights_of(part, variant, names))
    return sum(numbers_of(tensor) for file in files for tensor in read_header(file).values())


def absent_parts(index: Mapping[str, Any]) -> tuple[str, ...]:
    """Parts that a pipeline was saved without."""
    return tuple(name for name, said in index.items() if said == [None, None])


def _index_fault(index: Mapping[str, Any]) -> str:
    """What model_index.json says in a way that nobody can read, or of parts that nothing can do without."""
    for name, said in index.items():
        match said:
            case [None, None] if name in (*_NEVER_ABSENT, *_READERS) and not _does_without(name, index):
                return f"its part {name} is missing: it was saved without"
            case [None, None] | [str(), str()]:
                pass
            case list() if not name.startswith("_"):
                return f"its part {name} is not told in model_index.json by a library and a class"
            case str() if name in (*_NEVER_ABSENT, *_READERS):
                return f"its part {name} is not told in model_index.json by a library and a class"
            case _:
                pass
    return ""


def _does_without(part: str, index: Mapping[str, Any]) -> bool:
    """SDXL's refiner reads with the second encoder alone; Kandinsky's autoencoder has a name of its own."""
    if part == "vae":
        return "movq" in index
    return part in ("tokenizer", "text_encoder") and bool(index.get("requires_aesthetics_score", False))


def _fault(place: Path, library: str, kind: str, *, has_weights: bool) -> str:
    if (place / f"{library}.py").is_file() or (place.parent / f"{library}.py").is_file():
        return f"brings its own code ({library}.py), which is never run"
    if not place.is_dir():
        return f"is missing: there is no folder {place}; {DOWNLOAD_AGAIN}"
    for path in sorted(place.glob("*.json")):
        stat = path.stat()
        if fault := _json_fault(path, stat.st_size, stat.st_mtime_ns):
            return f"is damaged: {path} {fault}; {DOWNLOAD_AGAIN}"
    for name in _SAYS_ALL:
        if library == "diffusers" and _read(place / name) == {}:
            return f"is damaged: {place / name} says nothing; {DOWNLOAD_AGAIN}"
    if "Tokenizer" in kind:
        return "" if any((place / name).is_file() for name in _TOKENIZER_FILES) else _lacks(place, _TOKENIZER_FILES[0])
    if "Scheduler" in kind:
        return "" if (place / "scheduler_config.json").is_file() else _lacks(place, "scheduler_config.json")
    if not is_network(kind) or library not in _LIBRARIES:
        return ""
    return _weights_fault(place) if has_weights else _config_fault(place)


@lru_cache(maxsize=256)
def _json_fault(path: Path, size: int, modified_ns: int) -> str:
    """Size and time are part of the cache's key, so an edit is seen: a vocabulary has megabytes."""
    try:
        content: JsonValue = json.loads(path.read_text(encoding="utf-8"))
    except NO_JSON:
        return "is no JSON"
    if not isinstance(content, dict):
        return "is no JSON object" if path.name in _OBJECTS or ".index." in path.name else ""
    return "is no tokenizer" if path.name == "tokenizer.json" and "model" not in content else ""


def _config_fault(place: Path) -> str:
    config = _read(place / "config.json")
    if config is None:
        return _lacks(place, "config.json")
    if "auto_map" in config:
        return f"brings its own code ({place / 'config.json'} names it), which is never run"
    factor: JsonValue = config.get("scaling_factor")
    if factor is not None and not _is_factor(factor):
        return f"is damaged: {place / 'config.json'} has the scaling_factor {quoted(str(factor))}; {DOWNLOAD_AGAIN}"
    return ""


def _is_factor(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value != 0


def _weights_fault(place: Path) -> str:
    if fault := _config_fault(place):
        return fault
    weights = sorted(place.glob("*.safetensors"))
    if not weights:
        pickles = sorted(path.name for path in place.glob("*") if path.suffix in (".bin", ".pt", ".pth", ".ckpt"))
        if pickles:
            return (
                f"is saved as a pickle ({pickles[0]}), which could run any program and is never opened: save it as "
                "safetensors"
            )
        return f"has no weights: {place} has no .safetensors file; {DOWNLOAD_AGAIN}"
    for listing in sorted(place.glob("*.safetensors.index.json")):
        content = _read(listing) or {}
        named: JsonValue = content.get("weight_map")
        if not isinstance(named, dict):
            return f"is damaged: {listing} has no weight_map; {DOWNLOAD_AGAIN}"
        for shard in sorted(set(map(str, named.values()))):
            if not (place / shard).is_file():
                return f"lacks a part of its weights: {place / shard}; {DOWNLOAD_AGAIN}"
    for path in weights:
        try:
            header = read_header(path)
        except ValueError as error:
            return f"is damaged: {path} {error}; {DOWNLOAD_AGAIN}"
        kinds = Counter[str]()
        for tensor in header.values():
            kinds[str(tensor.get("dtype"))] += numbers_of(tensor)
        whole = sum(kinds[kind] for kind in _WHOLE_NUMBERS)
        if whole > kinds.total() / 2:  # a few stand beside the weights of whole models too
            return f"is quantised ({path} holds whole numbers), which is not read here: give it in half precision"
    return ""


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: JsonValue = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, *NO_JSON):
        return None
    return content if isinstance(content, dict) else None


def _architectures(config: Mapping[str, Any] | None) -> list[str]:
    named: JsonValue = config.get("architectures") if config else None
    return [str(name) for name in named] if isinstance(named, list) else []


def _lacks(place: Path, name: str) -> str:
    return f"is incomplete: {place} has no {name}; {DOWNLOAD_AGAIN}"
