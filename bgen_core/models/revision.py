"""Which exact weights a model name stands for, found without importing torch."""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from bgen_core.errors import ModelLoadError, reason
from bgen_core.models.catalogue import MODELS, ModelEntry, describe_model
from bgen_core.models.families import Family, configs_of_folder, side_of
from bgen_core.models.family_table import find_family, missing_packages, working_classes
from bgen_core.models.folder_check import (
    absent_parts,
    check_folder,
    count_weights,
    explain_file,
    explain_folder,
    weights_variant,
)
from bgen_core.wording import quoted

# Enough to know a family by.
CONFIG_FILES = ("model_index.json", "*/config.json", "scheduler/scheduler_config.json")
PIXEL_FILES = (".json", ".safetensors", ".bin", ".txt", ".model")


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model pinned to exact weights.

    Attributes
    ----------
    entry
        The catalogue's description.
    revision
        A Hub commit (40 digits), or the hash of a local folder's files (first 40 digits of SHA-256).
    folder
        A local model's folder; None for a model of the Hub, whose client keeps its own cache.
    files
        Where its files lie on this machine: the folder, or the Hub client's cache; None where nothing is here yet.
    pipeline_class
        The pipeline class that model_index.json names, or "" where it is not on this machine yet.
    variant
        What a folder's weights are saved as where they are in no other way ("fp16"), else None.
    absent
        Parts that it was saved without.
    weights
        So many numbers it holds; 0 where that is not known, as for a model of the Hub.
    """

    entry: ModelEntry
    revision: str
    folder: Path | None
    files: Path | None
    pipeline_class: str
    variant: str | None = None
    absent: tuple[str, ...] = ()
    weights: int = 0

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def family(self) -> Family:
        return self.entry.family


def find_model(spec: str) -> ModelSource:
    """Pin a catalogue name, Hub id or local folder to its exact weights.

    Raises
    ------
    ModelLoadError
        Nothing of that name can be found: says which, why, and what to do.
    """
    local = find_local_model(spec)
    if local is not None:
        return local
    entry = describe_model(spec)
    given = Path(entry.source).expanduser()
    if given.is_file():
        raise ModelLoadError(f"model {quoted(spec)} {explain_file(given)}")
    if not _may_be_on_hub(entry):
        raise ModelLoadError(
            f"model {quoted(spec)} is not there: give a catalogue name (the command `models` lists them), "
            "a Hub id such as owner/name, or the folder of a saved diffusers pipeline."
        )
    return _find_on_hub(spec, entry)


def find_local_model(spec: str) -> ModelSource | None:
    """The model if its files are on this machine (a local folder, or the Hub's cache), else None.

    Raises
    ------
    ModelLoadError
        The folder is there, but it is no saved pipeline.
    """
    entry = describe_model(spec)
    files = _local_files(entry)
    if files is None:
        return None
    folder = Path(entry.source).expanduser()
    if folder.is_dir():
        folder = folder.resolve()
        source, index = _read_source(spec, entry, folder), _read_index(spec, folder)
        check_folder(spec, folder, index)
        variant = weights_variant(folder, index)
        weights = count_weights(folder, index, variant)
        return replace(source, revision=hash_folder(folder), folder=folder, variant=variant, weights=weights)
    # No folder: the Hub's client knows which of the snapshot's files are still missing, and fetches those alone.
    return replace(_read_source(spec, entry, files), revision=files.name)


def find_entry(spec: str) -> ModelEntry:
    """The catalogue's entry, or what the model's own files say, where they are on this machine. Hashes no weights.

    Raises
    ------
    ModelLoadError
        The files are here, but nothing here can paint with them.
    """
    entry = describe_model(spec)
    files = None if entry in MODELS else _local_files(entry)
    return entry if files is None else _read_source(spec, entry, files).entry


def fetch_entry(spec: str) -> ModelEntry:
    """`find_entry`, and for a model of the Hub that is not here, what its configuration there says.

    Raises
    ------
    ModelLoadError
        Nothing here can paint with it, or the Hub cannot be reached.
    """
    entry = find_entry(spec)
    if entry in MODELS or _local_files(entry) is not None or not _may_be_on_hub(entry):
        return entry
    return _find_on_hub(spec, entry).entry


def _may_be_on_hub(entry: ModelEntry) -> bool:
    absolute = Path(entry.source).expanduser().is_absolute()
    return entry.source.count("/") == 1 and not absolute and not entry.source.startswith(".")


def _local_files(entry: ModelEntry) -> Path | None:
    """The model's folder, or the Hub client's copy of it."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    folder = Path(entry.source).expanduser()
    if folder.is_dir():
        return folder
    try:
        cached = try_to_load_from_cache(entry.source, "model_index.json")
    except HFValidationError:  # not a Hub id either
        return None
    return Path(cached).parent if isinstance(cached, str) else None


def _find_on_hub(spec: str, entry: ModelEntry) -> ModelSource:
    from huggingface_hub import HfApi

    try:
        revision = HfApi().model_info(entry.source, timeout=10).sha or ""
    except Exception as error:  # the hub client raises many kinds: no network, no such model, no permission
        raise ModelLoadError(f"model {quoted(spec)} {_hub_fault(error)}") from error
    if entry in MODELS:
        return ModelSource(entry=entry, revision=revision, folder=None, files=None, pipeline_class="")
    return replace(_read_source(spec, entry, _fetch_configs(spec, entry, revision)), revision=revision)


def _hub_fault(error: Exception) -> str:
    """Why the Hub gave nothing; completes "model … "."""
    from huggingface_hub.errors import GatedRepoError, HFValidationError, OfflineModeIsEnabled, RepositoryNotFoundError

    match error:
        case GatedRepoError():
            return "is gated on the Hugging Face Hub: accept its licence there, and give your token in HF_TOKEN."
        case RepositoryNotFoundError():
            return "is not on the Hugging Face Hub, or is private: check the name, or give your token in HF_TOKEN."
        case HFValidationError():
            return "is no Hub id: those have letters, digits, dots, dashes and underscores, such as owner/name."
        case OfflineModeIsEnabled():
            return "is not on this machine, and HF_HUB_OFFLINE keeps it from the Hub: unset it, or give a local folder."
        case _:
            return (
                "is not on this machine and could not be reached on the Hugging Face Hub "
                f"({type(error).__name__}): check the name and the network, or give a local folder."
            )


def _fetch_configs(spec: str, entry: ModelEntry, revision: str) -> Path:
    """What a model of the Hub says about itself: a few small files, from which its family is known."""
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]

    try:
        return Path(snapshot_download(entry.source, revision=revision, allow_patterns=list(CONFIG_FILES)))
    except Exception as error:  # see `_find_on_hub`
        raise ModelLoadError(
            f"model {quoted(spec)} is on the Hugging Face Hub, but its configuration could not be fetched "
            f"({type(error).__name__}): check the network and your permission, or give a local folder."
        ) from error


def _read_source(spec: str, entry: ModelEntry, folder: Path) -> ModelSource:
    """What a saved pipeline's small files say: its family, and where a first picture should start.

    Raises
    ------
    ModelLoadError
        It cannot be read, or nothing here can paint with it.
    """
    index = _read_index(spec, folder)
    name, configs = str(index["_class_name"]), configs_of_folder(folder, index)
    family = find_family(name, configs)
    if family is None:
        raise ModelLoadError(
            f"model {quoted(spec)} is saved as {quoted(name, 80)}, with which nothing here can repaint a picture: "
            f"choose one of {', '.join(working_classes())}, or choose the model 'demo'."
        )
    missing = ", ".join(missing_packages(family))
    if family.refusal or missing:
        why = family.refusal or f"needs the package {missing}, which is not installed"
        raise ModelLoadError(f"model {quoted(spec)} cannot be used: {family.title} {why}; or choose the model 'demo'.")
    if entry in MODELS:
        entry = replace(entry, family=family)
    else:
        side, steps, guidance = side_of(family, configs), family.steps, family.guidance_scale
        entry = replace(entry, family=family, side=side, steps=steps, guidance=guidance)
    return ModelSource(
        entry=entry, revision="", folder=None, files=folder, pipeline_class=name, absent=absent_parts(index)
    )


def _read_index(spec: str, folder: Path) -> dict[str, Any]:
    try:
        index: Any = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        index["_class_name"]
        return index
    except FileNotFoundError as error:
        raise ModelLoadError(f"model {quoted(spec)} {explain_folder(folder)}") from error
    except OSError as error:
        raise ModelLoadError(
            f"model {quoted(spec)} cannot be read: {folder / 'model_index.json'} ({reason(error)}): give access to it."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelLoadError(
            f"model {quoted(spec)} cannot be read: {folder / 'model_index.json'} is damaged ({reason(error)})."
        ) from error


def hash_folder(folder: Path) -> str:
    """First 40 digits of the SHA-256 of all files that can change a pixel."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in PIXEL_FILES and path.name != "world.json":
            stat = path.stat()
            digest.update(os.fsencode(path.relative_to(folder).as_posix()) + b"\0")
            digest.update(_hash_file(path, stat.st_size, stat.st_mtime_ns).encode())
    return digest.hexdigest()[:40]


@lru_cache(maxsize=256)
def _hash_file(path: Path, size: int, modified_ns: int) -> str:
    """Hash of the file's bytes; size and time are part of the cache's key, so an edit is seen."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
