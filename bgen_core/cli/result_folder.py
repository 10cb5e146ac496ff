"""The folder that a command's results go to."""

from pathlib import Path
from tempfile import TemporaryFile

from bgen_core.errors import UserInputError
from bgen_core.subject.decoding.picture_formats import shown_name


def prepare_folder(option: str, folder: Path) -> None:
    """Make a folder for results, and try whether they can be written there before any is made.

    Raises
    ------
    UserInputError
        They cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserInputError(f"{option} {shown_name(str(folder))} cannot be used: {error.strerror}.") from error
