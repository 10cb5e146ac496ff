"""Free space that stays free: a full disk stops the database, other programs, and whoever wants to make room."""

import shutil
from pathlib import Path

from bgen_core.errors import NoRoomError
from bgen_core.wording import sized

_MOST_RESERVE = 1_000_000_000
_SHARE = 0.02  # of a small disk


def check_disk(folder: Path, length: int = 0, *, reserve: int | None) -> str:
    """Say how much is free on a folder's disk, where so many bytes more can be written there.

    Parameters
    ----------
    reserve
        Bytes that stay free; None for 1 GB, or 2 % of the disk where that is less.

    Raises
    ------
    NoRoomError
        Less would stay free.
    """
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    try:
        disk = shutil.disk_usage(there)
    except OSError:  # whoever writes there says why it cannot be
        return f"how much is free on the disk of {folder} cannot be told"
    kept = min(_MOST_RESERVE, round(disk.total * _SHARE)) if reserve is None else reserve
    free, stay = f"{disk.free / 1e6:,.0f} MB", f"{kept / 1e6:,.0f} MB"
    if disk.free - length >= kept:
        return f"{free} are free on the disk of {folder}, of which {stay} stay free"
    wanted = f", {sized(length)} more are wanted" if length else ""
    raise NoRoomError(
        f"The disk of {folder} has {free} free{wanted}, and {stay} stay free (BGEN_DISK_RESERVE_MB): make room there, "
        "for instance with `store retention` and `store gc`.",
        public=f"The server's disk has {free} free{wanted}, and {stay} stay free: delete what nobody needs, or ask "
        "whoever runs the server to make room.",
        length=length,
    )
