"""A model pinned to exact weights, and how much of it is on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bgen_core.errors import ModelLoadError
from bgen_core.models.catalogue import ModelEntry
from bgen_core.models.content_hash import hash_folder
from bgen_core.models.families import Family
from bgen_core.models.folder_check import absent_parts, check_folder, count_weights, names_in
from bgen_core.models.single_files.layouts import SingleFile
from bgen_core.models.weight_variants import VARIANTS, choose_variant, lacking, networks

SAFETY_CHECKER = "safety_checker"


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model pinned to exact weights.

    Attributes
    ----------
    entry
        The catalogue's description.
    revision
        A Hub commit (40 digits), or the hash of a local model's files (first 40 digits of SHA-256).
    folder
        A local model's folder; None for a model of the Hub, whose client keeps its own cache.
    files
        Where its files lie on this machine: the folder, or the Hub client's copy.
    index
        Its model_index.json.
    repository, commit
        Where the Hub's client gets what is not here; empty for what is local as a whole.
    single
        The one file that holds its weights; `files` is its configuration then, with the parts that the file lacks.
    prior
        The model that gives a decoder what to paint (Kandinsky), where they lie apart.
    variant
        What a folder's weights are saved as where they are in no other way ("fp16"), else None.
    weights
        So many numbers it holds; 0 where that is not known, as for a model that is not here.
    """

    entry: ModelEntry
    revision: str
    folder: Path | None
    files: Path
    index: Mapping[str, Any] = field(default_factory=dict[str, Any])
    repository: str = ""
    commit: str = ""
    single: SingleFile | None = None
    prior: "ModelSource | None" = None
    variant: str | None = None
    weights: int = 0

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def family(self) -> Family:
        return self.entry.family

    @property
    def pipeline_class(self) -> str:
        return str(self.index.get("_class_name", ""))

    @property
    def absent(self) -> tuple[str, ...]:
        """Parts that it was saved without."""
        return absent_parts(self.index)

    @property
    def networks(self) -> tuple[str, ...]:
        """Parts whose weights are loaded from `files`."""
        held = self.single.parts if self.single else frozenset[str]()
        return tuple(name for name in networks(self.index) if name not in held)


def source_of_folder(entry: ModelEntry, folder: Path, index: Mapping[str, Any]) -> ModelSource:
    """A local folder that has been looked at, pinned by its content.

    Parameters
    ----------
    index
        Its model_index.json.
    """
    names, parts = names_in(folder), networks(index)
    variant = choose_variant(parts, "float32", here=names, there=names)
    return ModelSource(
        entry=entry,
        revision=hash_folder(folder),
        folder=folder,
        files=folder,
        index=index,
        variant=variant,
        weights=count_weights(folder, parts, variant),
    )


def is_whole(source: ModelSource) -> bool:
    """Whether all its files are here, in one number format or another."""
    if source.prior is not None and not is_whole(source.prior):
        return False
    if not source.repository:
        return True
    here = names_in(source.files)
    return has_settings(source) and any(lacking(source.networks, variant, here) is None for variant in VARIANTS)


def has_settings(source: ModelSource) -> bool:
    """Whether everything but weights is here."""
    try:
        check_folder(source.name, source.files, loaded_index(source), held=networks(source.index))
    except ModelLoadError:
        return False
    return True


def loaded_index(source: ModelSource, *, with_safety_checker: bool = False) -> dict[str, Any]:
    """The parts that are loaded: the Hub's client may have left out what nobody wanted."""
    left_out = () if with_safety_checker else (SAFETY_CHECKER,)
    return {name: said for name, said in source.index.items() if name not in left_out}
