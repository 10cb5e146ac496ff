"""`python -m bgen_core app`: the server with the pages, in place of this process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from bgen_core.authentication import check
from bgen_core.errors import UserInputError
from bgen_core.python_path import LIBRARY
from bgen_core.settings import load_settings

# Whatever `streamlit run` takes goes on to it.
CONTEXT_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}


def serve(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to answer at; 8501 where none is given, 0 any free one.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Address to answer at; this machine alone where none is given, others need BGEN_PASSWORD."),
    ] = None,
) -> None:
    """Start the server with the pages; takes the options of `streamlit run` too, such as --server.maxUploadSize."""
    check(load_settings())  # the server would say the same, and end as one that has failed
    options = [*context.args]
    if port is not None:
        options += ["--server.port", str(port)]
    if address is not None:
        options += ["--server.address", address]
    # -P: the folder that a person happens to be in may hold anything, a `torch.py` too. It stays the working folder.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(launcher()), *options]
    if os.name == "nt":  # there exec starts a second process and gives the terminal back at once
        raise typer.Exit(subprocess.call(command))
    os.execv(sys.executable, command)


def launcher() -> Path:
    """`streamlit_app.py` with pages and settings beside it: in `bgen_app` of an installed package, else in the clone.

    Raises
    ------
    UserInputError
        There are no pages beside the library.
    """
    # The package's first: beside it in site-packages may lie a streamlit_app.py of somebody else's.
    for found in (LIBRARY / "bgen_app" / "streamlit_app.py", LIBRARY / "streamlit_app.py"):
        if found.is_file():
            return found
    raise UserInputError(f"the pages are not where the library is, in {LIBRARY}: install bgen again.")
