"""Files of weights in a folder of the deployment, by the names that visitors give: LoRAs and IP-Adapters alike."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from bgen_core.errors import UserInputError
from bgen_core.models.safetensors_header import read_header
from bgen_core.wording import quoted

SUFFIX = ".safetensors"

_PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
_MOST_LISTED = 12
_LONGEST_NAME = 80


def names_in_folder(folder: Path) -> tuple[str, ...]:
    """Names of the files of a folder and of those below it."""
    found = folder.rglob(f"*{SUFFIX}") if folder.is_dir() else ()
    return tuple(sorted(path.relative_to(folder).as_posix().removesuffix(SUFFIX) for path in found))


def file_in_folder(name: str, folder: Path) -> Path | None:
    """The file of that name, never one outside the folder: names come from visitors."""
    relative = PurePosixPath(name)
    if not relative.parts or relative.is_absolute() or ".." in relative.parts or "\\" in name:
        return None
    try:
        return _file_at(folder / relative)
    except OSError:  # a name that no file system takes
        return None


def _file_at(place: Path) -> Path | None:
    for path in (place, place.with_name(place.name + SUFFIX)):
        if path.is_file():
            return path
    if place.is_dir():  # as diffusers and peft save one
        files = sorted(place.glob(f"*{SUFFIX}"))
        return files[0] if len(files) == 1 else None
    pickles = (path for suffix in _PICKLES if (path := place.with_name(place.name + suffix)).is_file())
    return next(pickles, None)


def header_of(kind: str, name: str, path: Path) -> dict[str, Any]:
    """What a file says of its tensors: name -> type and shape.

    Parameters
    ----------
    kind
        What it is called in sentences, such as "LoRA".

    Raises
    ------
    UserInputError
        It is a pickle, or cannot be read.
    """
    if path.suffix in _PICKLES:
        raise UserInputError(
            f"{kind} {quoted(name, _LONGEST_NAME)} is a pickle ({path.name}), which could run any program and is never "
            f"opened: give a {SUFFIX} file."
        )
    try:
        return read_header(path)
    except ValueError as error:
        raise UserInputError(
            f"{kind} {quoted(name, _LONGEST_NAME)} cannot be read: its file {error}: download it again."
        ) from error


def not_there(kind: str, name: str, *, offered: Sequence[str], instead: str, setting: str) -> UserInputError:
    """What is said of a name that stands for no file.

    Parameters
    ----------
    offered
        Names of what is there.
    instead
        What is told where nothing is.
    setting
        The environment variable that names the folder.
    """
    shown = ", ".join(offered[:_MOST_LISTED]) + (", …" if len(offered) > _MOST_LISTED else "")
    return UserInputError(
        f"{kind} {quoted(name, _LONGEST_NAME)} is not there: choose {shown or instead}, "
        f"or put its {SUFFIX} file into the folder {setting}."
    )
