"""The two libraries that need system packages, imported at their first use and with an error that names those packages.

opencv-contrib-python (which mediapipe 1.2 brings) links libGL and glib, mediapipe's own library links EGL and
OpenGL ES. A bare server has none of them. Neither is needed to show a page, and both take long to import.
"""

import importlib
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bgen_core.errors import UserInputError

SYSTEM_PACKAGES = ("libgl1", "libegl1", "libgles2", "libglib2.0-0")


class LazyLibrary:
    """Stands for a module and imports it when the first attribute is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None
        self._lock = threading.Lock()

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            with self._lock:
                self._module = import_native(self._name)
        return getattr(self._module, attribute)


def import_native(name: str) -> ModuleType:
    """Import a library that links system libraries.

    Raises
    ------
    UserInputError
        A system library is missing: says which, and which packages hold it.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise_if_library_missing(error)
        raise


@contextmanager
def only_what_is_needed() -> Generator[None]:
    """Import mediapipe without plots and sound, which take longer than all the rest of it.

    mediapipe 1.2.2 imports matplotlib.pyplot in `drawing_utils`, for a function that draws, and sounddevice in
    `audio_record`, which looks for a library of the system. Nothing here uses either.
    """
    plots = ModuleType("matplotlib")
    vars(plots)["pyplot"] = ModuleType("matplotlib.pyplot")
    stand_ins = {"matplotlib": plots, "matplotlib.pyplot": plots.pyplot, "sounddevice": ModuleType("sounddevice")}
    left_out = {name: module for name, module in stand_ins.items() if name.split(".")[0] not in sys.modules}
    sys.modules.update(left_out)
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]


def raise_if_library_missing(error: BaseException) -> None:
    """Raise UserInputError if the loader's error says that a shared library is not there."""
    text = str(error)
    if "cannot open shared object file" in text:
        raise UserInputError(
            f"The system library {text.split(':')[0]} is missing: install it with "
            f"`apt-get install {' '.join(SYSTEM_PACKAGES)}` (Debian, Ubuntu) and start again."
        ) from error


if TYPE_CHECKING:
    import cv2 as cv2
else:
    cv2 = LazyLibrary("cv2")
