"""Which of Streamlit's scripts a page needs soon: named in its HTML, they are fetched beside the first ones."""

import re
from collections.abc import Iterable
from pathlib import Path

# Streamlit fetches the script of an element when the first one is drawn; these stand on nearly every page.
ELEMENTS = ("BidiComponent", "Button", "Multiselect", "Selectbox", "TextArea", "TextInput")
_IMPORTED = re.compile(r"""(?:from|import)\s*["'`]\./([\w.-]+\.js)["'`]""")


def scripts_of(folder: Path, elements: Iterable[str] = ELEMENTS) -> list[str]:
    """Names of the files of these elements and of all that they import; one that is not there is left out.

    Parameters
    ----------
    folder
        Where Streamlit's scripts lie; the name of an element's ends with a hash.
    """
    waiting = [path.name for element in elements for path in folder.glob(f"{element}.*.js")]
    found: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += _IMPORTED.findall((folder / name).read_text(encoding="utf-8"))
    return list(found)
