"""Where this program lies, for the processes that it starts: they are started in any folder, and must find it."""

import os
from pathlib import Path

import bgen_core

LIBRARY = Path(bgen_core.__file__).parents[1]  # the folder from where `bgen_core` can be imported


def python_path() -> str:
    """`PYTHONPATH` with the program's folder first.

    An empty entry is the folder in which a process is started, where anything may lie: there is none in it.
    """
    return os.pathsep.join([str(LIBRARY), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
