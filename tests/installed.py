"""The program as pip installs it: built, unpacked, and called from a folder that is no clone."""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
# What a person's working folder may hold, and the program must not take for its own.
TRAPS = ("bgen_core.py", "pages.py", "streamlit_app.py", "torch.py", "numpy.py")


@dataclass(frozen=True, kw_only=True)
class Installed:
    """An unpacked wheel.

    Attributes
    ----------
    wheel
        The file itself.
    packages
        What it put into site-packages.
    distribution
        Its metadata.
    command
        The script that pip would write for it, called with this interpreter.
    working_folder
        Somewhere else, with modules in it whose names are also those of the program and its libraries.
    """

    wheel: Path
    packages: Path
    distribution: Distribution
    command: tuple[str, ...]
    working_folder: Path

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of it to its end."""
        return subprocess.run(
            [*self.command, *words],
            cwd=self.working_folder, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip


def build(folder: Path, source: Path = PROJECT, *, target: str = "wheel") -> Path:
    """The wheel, as `pip install` makes it, or the "sdist", as an upload does."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)],
        cwd=source, capture_output=True, timeout=240, check=True,
    )  # fmt: skip
    (made,) = folder.iterdir()
    return made


def unpack(wheel: Path, folder: Path) -> Installed:
    """Lay the wheel out as pip does, beside the libraries that this interpreter has."""
    packages, working_folder, script = folder / "site-packages", folder / "work", folder / "bgen"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (metadata,) = packages.glob("*.dist-info")
    distribution = Distribution.at(metadata)
    (entry,) = distribution.entry_points.select(group="console_scripts", name="bgen")
    script.write_text(
        f"import os, sys\n"
        f"sys.path.insert(1, {str(packages)!r})\n"
        # Processes that it starts find the package as they would in site-packages.
        f"os.environ['PYTHONPATH'] = {str(packages)!r}\n"
        f"from {entry.module} import {entry.attr}\n"
        f"sys.exit({entry.attr}())\n"
    )
    working_folder.mkdir()
    for name in TRAPS:
        (working_folder / name).write_text('raise SystemExit("not of this program")\n')
    return Installed(
        wheel=wheel,
        packages=packages,
        distribution=distribution,
        command=(sys.executable, str(script)),
        working_folder=working_folder,
    )
