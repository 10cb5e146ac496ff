"""What was found where something was looked at: in order, or what to do."""

from collections.abc import Callable
from dataclasses import dataclass

from bgen_core.errors import BgenError
from bgen_core.settings import Settings

Check = Callable[[Settings], str]  # what was found; a BgenError says what to do


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: what was found, or what to do."""

    what: str
    ok: bool
    text: str

    @property
    def line(self) -> str:
        """For a terminal."""
        return f"{'OK ' if self.ok else '-- '} {self.what:13}{self.text}"


def examine(what: str, check: Check, settings: Settings) -> Finding:
    """Look at one thing."""
    try:
        return Finding(what=what, ok=True, text=check(settings))
    except BgenError as error:
        return Finding(what=what, ok=False, text=str(error))
