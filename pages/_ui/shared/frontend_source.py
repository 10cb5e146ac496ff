"""The plain JavaScript and CSS of the pages' own components."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "frontend"


def frontend_source(*names: str) -> str:
    """The text of these files of the frontend folder, one after the other."""
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)
