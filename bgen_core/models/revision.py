"""Which exact weights a model name stands for, found without importing torch."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from bgen_core.errors import ModelLoadError, reason
from bgen_core.models.catalogue import MODELS, ModelEntry, describe_model

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
    """

    entry: ModelEntry
    revision: str
    folder: Path | None
    files: Path | None
    pipeline_class: str

    @property
    def name(self) -> str:
        return self.entry.name


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
    folder = Path(entry.source).expanduser()
    if entry.source.count("/") != 1 or folder.is_absolute() or entry.source.startswith("."):
        raise ModelLoadError(
            f"model {spec!r} is not there: give a catalogue name (the command `models` lists them), "
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
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    entry = describe_model(spec)
    folder = Path(entry.source).expanduser()
    if folder.is_dir():
        pipeline_class = _read_pipeline_class(spec, folder)
        folder = folder.resolve()
        return ModelSource(
            entry=_with_own_side(entry, folder),
            revision=_hash_folder(folder),
            folder=folder,
            files=folder,
            pipeline_class=pipeline_class,
        )
    try:
        cached = try_to_load_from_cache(entry.source, "model_index.json")
    except HFValidationError:  # not a Hub id either
        return None
    if not isinstance(cached, str):
        return None
    snapshot = Path(cached).parent
    # No folder: the Hub's client knows which of the snapshot's files are still missing, and fetches those alone.
    return ModelSource(
        entry=_with_own_side(entry, snapshot),
        revision=snapshot.name,
        folder=None,
        files=snapshot,
        pipeline_class=_read_pipeline_class(spec, snapshot),
    )


def _find_on_hub(spec: str, entry: ModelEntry) -> ModelSource:
    from huggingface_hub import HfApi

    try:
        revision = HfApi().model_info(entry.source, timeout=10).sha or ""
    except Exception as error:  # the hub client raises many kinds: no network, no such model, no permission
        raise ModelLoadError(
            f"model {spec!r} is not on this machine and could not be reached on the Hugging Face Hub "
            f"({type(error).__name__}): check the name and the network, or give a local folder."
        ) from error
    return ModelSource(entry=entry, revision=revision, folder=None, files=None, pipeline_class="")


def _read_pipeline_class(spec: str, folder: Path) -> str:
    try:
        index: Any = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        return str(index["_class_name"])
    except FileNotFoundError as error:
        raise ModelLoadError(
            f"model {spec!r} is not a saved diffusers pipeline: the folder {folder} has no model_index.json."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelLoadError(
            f"model {spec!r} cannot be read: {folder / 'model_index.json'} is damaged ({reason(error)})."
        ) from error


def _with_own_side(entry: ModelEntry, folder: Path) -> ModelEntry:
    """A model outside the catalogue paints at the size that its own configuration names."""
    if entry in MODELS:
        return entry
    try:
        unet = json.loads((folder / "unet" / "config.json").read_text(encoding="utf-8"))
        vae = json.loads((folder / "vae" / "config.json").read_text(encoding="utf-8"))
        levels = len(vae.get("encoder_block_out_channels") or vae["block_out_channels"])
        return replace(entry, side=int(unet["sample_size"]) * 2 ** (levels - 1))
    except (OSError, ValueError, KeyError, TypeError):  # another family: the common default stands
        return entry


def _hash_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in PIXEL_FILES and path.name != "world.json":
            stat = path.stat()
            digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            digest.update(_hash_file(path, stat.st_size, stat.st_mtime_ns).encode())
    return digest.hexdigest()[:40]


@lru_cache(maxsize=256)
def _hash_file(path: Path, size: int, modified_ns: int) -> str:
    """Hash of the file's bytes; size and time are part of the cache's key, so an edit is seen."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
