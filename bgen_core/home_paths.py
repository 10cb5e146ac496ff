"""Paths as people write them, in which `~` is a home."""

from pathlib import Path


def with_home(text: str | Path) -> Path:
    """The path that a text means: `~` and `~name` stand for homes, but of a user that there is not for themselves."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # Python's, where nobody has this name or this user no home
        return Path(text)
