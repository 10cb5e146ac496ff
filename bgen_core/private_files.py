"""Files and folders that nobody else on this machine may read: photos of persons, and who said what of them."""

import os
import stat
from contextlib import suppress
from pathlib import Path

FILE, FOLDER = 0o600, 0o700


def make_private_folder(path: Path) -> None:
    """Create a folder for this user alone; one that is there already stays as it is.

    Raises
    ------
    OSError
        It cannot be made.
    """
    path.mkdir(mode=FOLDER, parents=True, exist_ok=True)


def close_to_others(path: Path) -> None:
    """Take what is there away from other users; where this user may not say, or in a place of everybody's, nothing.

    Of a folder that was open, all that lies below is closed too, and the folder itself last: whoever was interrupted
    begins again.
    """
    if os.name != "posix" or not _is_open(path):
        return
    if path.is_dir():
        for folder, below, files in os.walk(path):
            for name in (*below, *files):
                _close(Path(folder, name))
    _close(path)


def _is_open(path: Path) -> bool:
    with suppress(OSError):
        mode = path.lstat().st_mode
        return not stat.S_ISLNK(mode) and not mode & stat.S_ISVTX and bool(mode & 0o077)
    return False


def _close(path: Path) -> None:
    if _is_open(path):
        with suppress(OSError):  # another user's, or it has gone meanwhile
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & FOLDER)
