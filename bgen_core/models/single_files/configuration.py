"""Where the configuration of a model in one file comes from: beside the file, or the Hub."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgen_core.errors import ModelLoadError
from bgen_core.models.families import configs_of_folder
from bgen_core.models.family_table import find_family
from bgen_core.models.folder_check import check_folder, explain_file, names_in
from bgen_core.models.hub.client import SETTING_FILES, cached_snapshot, fetch_small_files
from bgen_core.models.safetensors_header import DOWNLOAD_AGAIN
from bgen_core.models.saved_pipeline import read_index
from bgen_core.models.single_files.layouts import SingleFile, read_single_file
from bgen_core.models.weight_variants import lacking, networks
from bgen_core.wording import quoted

_T5_OF_SD3 = ("text_encoder_3", "tokenizer_3")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A saved pipeline, with or without weights; of the Hub where it has a repository."""

    folder: Path
    repository: str = ""
    commit: str = ""


def read_model_file(spec: str, file: Path) -> SingleFile:
    """What a file that was given as a model holds.

    Raises
    ------
    ModelLoadError
        It is no model: says what it is, and what to give.
    """
    if file.suffix != ".safetensors":
        raise ModelLoadError(f"model {quoted(spec)} {explain_file(file)}")
    try:
        read = read_single_file(file)
    except ValueError as error:
        raise ModelLoadError(f"model {quoted(spec)} cannot be read: {file} {error}; {DOWNLOAD_AGAIN}.") from error
    if isinstance(read, str):
        raise ModelLoadError(f"model {quoted(spec)} {read}")
    return read


def configuration_of(spec: str, single: SingleFile, *, asks_hub: bool) -> Configuration | None:
    """A folder of the file's name beside it, the saved pipeline in which it lies, or the one on the Hub.

    Parameters
    ----------
    asks_hub
        Whether the last is fetched where it is not here; otherwise there is None then.

    Raises
    ------
    ModelLoadError
        The Hub does not give it: says how to do without.
    """
    for folder in (single.path.with_suffix(""), single.path.parent):
        if (folder / "model_index.json").is_file():
            return Configuration(folder=folder)
    repository = single.layout.configuration
    snapshot = cached_snapshot(repository)
    if snapshot is None or not _has_settings(snapshot):
        if not asks_hub:
            return None
        try:
            commit = snapshot.name if snapshot else None
            snapshot = fetch_small_files(repository, repository, SETTING_FILES, commit=commit)
        except ModelLoadError as error:
            raise ModelLoadError(
                f"model {quoted(spec)} is a single file of {single.layout.title} and needs the configuration of "
                f"{repository}, which cannot be fetched: {error} A folder {single.path.with_suffix('')} with it, "
                "without weights, is read as well."
            ) from error
    return Configuration(folder=snapshot, repository=repository, commit=snapshot.name)


def index_for(spec: str, single: SingleFile, place: Configuration) -> dict[str, Any]:
    """The model_index.json for a file: that of its configuration, without what neither of them has.

    Raises
    ------
    ModelLoadError
        It is the configuration of another kind of model.
    """
    index = read_index(spec, place.folder)
    configs = configs_of_folder(place.folder, index)
    family = find_family(str(index["_class_name"]), configs)
    said = configs.denoiser.get("in_channels", single.channels)
    if family is None or family.saved_as[0] not in single.layout.family or said != single.channels:
        raise ModelLoadError(
            f"model {quoted(spec)} is a single file of {single.layout.title}, and the configuration in {place.folder} "
            f"is of another model ({index['_class_name']}, {said} input channels): give that of "
            f"{single.layout.configuration}."
        )
    names = names_in(place.folder)
    without_t5 = _T5_OF_SD3[0] not in single.parts and lacking(_T5_OF_SD3[:1], None, names) is not None
    if "StableDiffusion3Pipeline" in single.layout.family and without_t5:
        # Published so on purpose: the text is read by the other two.
        index |= {part: [None, None] for part in _T5_OF_SD3}
    return index


def _has_settings(snapshot: Path) -> bool:
    try:
        index: Mapping[str, Any] = read_index(snapshot.name, snapshot)
        index = {name: said for name, said in index.items() if name != "safety_checker"}
        check_folder(snapshot.name, snapshot, index, held=networks(index))
    except ModelLoadError:
        return False
    return True
