"""How the command line was called, for sentences that name a command."""

import sys
from pathlib import Path


def called_as() -> str:
    """`bgen` where the installed command was called, else `python -m bgen_core`."""
    return "bgen" if Path(sys.argv[0]).stem == "bgen" else "python -m bgen_core"
