"""Kandinsky as the Hub holds it: a decoder, and apart from it the prior that all decoders of a version share."""

from pathlib import Path

from bgen_core.errors import ModelLoadError
from bgen_core.models.folder_check import check_folder
from bgen_core.models.hub.client import cached_snapshot, fetch_small_files
from bgen_core.models.model_source import ModelSource, source_of_folder
from bgen_core.models.saved_pipeline import read_index
from bgen_core.wording import quoted


def find_prior(source: ModelSource, *, asks_hub: bool) -> ModelSource | None:
    """The prior of a decoder that was saved without one; None for all other models.

    Parameters
    ----------
    asks_hub
        Whether it is looked for on the Hub where it is not here; otherwise that counts as a missing part.

    Raises
    ------
    ModelLoadError
        It is missing: says which it is and where it may lie.
    """
    repository = source.family.prior
    if not repository or "prior_prior" in source.index:
        return None
    beside = (source.folder.parent / repository.rpartition("/")[2]) if source.folder else None
    if beside is not None and beside.is_dir():
        return _of_folder(source, beside)
    try:
        snapshot = cached_snapshot(repository)
        if snapshot is None and not asks_hub:
            raise ModelLoadError(f"model {quoted(repository)} is not on this machine.")
        snapshot = snapshot or fetch_small_files(repository, repository)
    except ModelLoadError as error:
        place = beside or repository.rpartition("/")[2]
        raise ModelLoadError(
            f"model {quoted(source.name)} is Kandinsky's decoder alone, and its prior is missing: {error} A folder "
            f"{place} with it, beside the decoder, is read as well."
        ) from error
    return ModelSource(
        entry=source.entry,
        revision=snapshot.name,
        folder=None,
        files=snapshot,
        index=read_index(repository, snapshot),
        repository=repository,
        commit=snapshot.name,
    )


def _of_folder(decoder: ModelSource, folder: Path) -> ModelSource:
    index = read_index(decoder.name, folder)
    check_folder(decoder.name, folder, index)
    return source_of_folder(decoder.entry, folder, index)
