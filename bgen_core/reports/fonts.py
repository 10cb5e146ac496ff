"""Fonts that are here already: one for most texts, and for its missing letters those of the system."""

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from PIL import ImageFont

# Nobody has a letter at this place, so that it is drawn as every missing one.
_NOT_A_LETTER = "\U0010ffff"
_SUFFIXES = (".ttf", ".otf", ".ttc")
# Looked at first: fonts of many letters in a plain style, as Linux, macOS and Windows bring them.
_PREFERRED = (
    "notosanscjk", "notosans", "wqy", "droidsansfallback", "notoemoji", "symbola", "unifont", "arialunicode",
    "pingfang", "hiragino", "applesdgothic", "devanagari", "msyh", "meiryo", "malgun", "nirmala", "segoe", "seguisym",
)  # fmt: skip
_MOST_FILES = 20_000  # found in the folders
_MOST_FONTS = 400  # looked into for a letter
_PROBED_SIZE = 16
# What belongs to the letter before it: combining marks, joiners, and choices between a text's and a picture's form
_JOINED = ("Mn", "Mc", "Me", "Cf")


@lru_cache(maxsize=8)
def main_font(size: int) -> ImageFont.FreeTypeFont:
    """The font of most texts. Pillow 13's own draws boxes for ä, × and –; matplotlib's comes with MediaPipe."""
    dejavu = _dejavu()
    if dejavu is not None:
        return _opened(dejavu, size)
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font


def font_runs(text: str, size: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
    """A text in pieces, each with a font that has its letters; the main font where none has them."""
    runs: list[tuple[str, ImageFont.FreeTypeFont]] = []
    for letter in text:
        joined = runs and unicodedata.category(letter) in _JOINED
        font = runs[-1][1] if joined else _font_of(letter, size)
        if runs and runs[-1][1] is font:
            runs[-1] = (runs[-1][0] + letter, font)
        else:
            runs.append((letter, font))
    return runs


def scripts_without_font(texts: Iterable[str]) -> list[str]:
    """Names of the scripts of letters that no font here has, such as "CJK" and "Hangul"; each once."""
    missing = (letter for letter in dict.fromkeys("".join(texts)) if not _is_plain(letter) and not _found(letter))
    return list(dict.fromkeys(_script(letter) for letter in missing))


def font_folders() -> list[Path]:
    """Where this system keeps its fonts."""
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        windows = Path(os.environ.get("WINDIR", r"C:\Windows"))
        return [windows / "Fonts", home / "AppData/Local/Microsoft/Windows/Fonts"]
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    own = os.environ.get("XDG_DATA_HOME") or home / ".local/share"
    return [Path(own) / "fonts", home / ".fonts", *(Path(folder) / "fonts" for folder in shared.split(":") if folder)]


def _is_plain(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in (*_JOINED, "Cc", "Cs", "Co", "Cn")


def _font_of(letter: str, size: int) -> ImageFont.FreeTypeFont:
    main = main_font(size)
    if letter.isascii() or _is_plain(letter) or _has(main, letter):
        return main
    path = _path_with(letter)
    return main if path is None else _opened(path, size)


def _found(letter: str) -> bool:
    return letter.isascii() or _has(main_font(_PROBED_SIZE), letter) or _path_with(letter) is not None


@lru_cache(maxsize=8192)
def _has(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    return _drawn(font, letter) != _drawn(font, _NOT_A_LETTER)


@lru_cache(maxsize=8192)
def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    # To Python it is a sequence of bytes.
    return mask.size, bytes(mask)  # pyright: ignore[reportArgumentType]


@lru_cache(maxsize=8192)
def _path_with(letter: str) -> Path | None:
    """The first of the system's fonts that has a letter."""
    return next((path for path, font in _probed() if _has(font, letter)), None)


@lru_cache(maxsize=1)
def _probed() -> list[tuple[Path, ImageFont.FreeTypeFont]]:
    found: list[tuple[Path, ImageFont.FreeTypeFont]] = []
    for path in sorted(islice(_font_files(), _MOST_FILES), key=_rank):
        if len(found) >= _MOST_FONTS:
            break
        try:
            found.append((path, _opened(path, _PROBED_SIZE)))
        except (OSError, ValueError):  # damaged, or pictures of one size only
            continue
    return found


def _font_files() -> Iterator[Path]:
    for folder in font_folders():
        for parent, _, names in os.walk(folder):  # a folder that is not there has nothing in it
            yield from (Path(parent) / name for name in names if name.lower().endswith(_SUFFIXES))


def _rank(path: Path) -> tuple[int, bool, str]:
    name = path.name.lower().replace("-", "").replace(" ", "").replace("_", "")
    liked = next((place for place, each in enumerate(_PREFERRED) if each in name), len(_PREFERRED))
    unusual = any(style in name for style in ("bold", "italic", "oblique", "thin", "light", "black", "mono", "serif"))
    return liked, unusual, name


@lru_cache(maxsize=1024)
def _opened(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=1)
def _dejavu() -> Path | None:
    matplotlib = find_spec("matplotlib")  # looked for, not imported
    if matplotlib is None or matplotlib.origin is None:
        return None
    path = Path(matplotlib.origin).with_name("mpl-data") / "fonts" / "ttf" / "DejaVuSans.ttf"
    return path if path.exists() else None


def _script(letter: str) -> str:
    """The first word of a letter's name in Unicode, which is its script; the rest are symbols."""
    if unicodedata.category(letter).startswith("S"):
        return "emoji and symbols"
    word = unicodedata.name(letter, "other").split()[0]
    return word if word == "CJK" else word.capitalize()
