"""The model that tells how near everything in a photo is, by its setting and pinned, found without importing torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bgen_core.errors import UserInputError
from bgen_core.models.content_hash import hash_files
from bgen_core.models.hub.kept_model import CONFIG, WEIGHTS, check_weights, config_of, kept_model

_PREPROCESSOR = "preprocessor_config.json"
_SUCH_AS = "depth-anything/Depth-Anything-V2-Small-hf"


@dataclass(frozen=True, kw_only=True)
class DepthModel:
    """A model of transformers' depth estimation: its folder, and the hash of what can change a pixel."""

    folder: Path
    content: str


def depth_model_for(controls: Iterable[str], name: str) -> DepthModel | None:
    """The model of a setting, where one of these control pictures needs it; see `find_depth_model`."""
    return find_depth_model(name) if "depth" in controls else None


def find_depth_model(name: str) -> DepthModel:
    """The model of a Hub id that has been downloaded, or of a local folder.

    Raises
    ------
    UserInputError
        None is named, or it is missing, damaged or no such model: says what to do.
    """
    if not name:
        raise UserInputError(
            "The control picture 'depth' needs a depth model: set BGEN_DEPTH_MODEL to the folder of one, or to a Hub "
            f"id that has been downloaded, such as {_SUCH_AS}."
        )
    said = "The depth model BGEN_DEPTH_MODEL"
    files = (CONFIG, _PREPROCESSOR, WEIGHTS)
    folder = kept_model(
        name, setting="BGEN_DEPTH_MODEL", said=said, files=files, forms="no Hub id and no absolute folder"
    )  # fmt: skip
    architectures = config_of(folder).get("architectures")
    if not isinstance(architectures, list) or not any(
        str(each).endswith("ForDepthEstimation") for each in architectures
    ):
        raise UserInputError(f"{said} does not estimate depth by its {CONFIG}: choose one such as {_SUCH_AS}.")
    check_weights(folder, said)
    return DepthModel(folder=folder, content=hash_files(folder, files))
