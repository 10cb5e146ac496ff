"""The photos that come with the program, so that a first visit needs no upload. Sources and terms: SOURCES.md."""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sample photo.

    Attributes
    ----------
    name
        What people read.
    file_name
        In this folder.
    source
        Who made it and under which terms.
    """

    name: str
    file_name: str
    source: str

    @property
    def path(self) -> Path:
        return _FOLDER / self.file_name

    def read(self) -> bytes:
        """The file."""
        return self.path.read_bytes()


SAMPLES = (
    Sample(name="Astronaut", file_name="astronaut.jpg", source="Eileen Collins; NASA, public domain"),
    Sample(name="Cat", file_name="cat.jpg", source="Chelsea; Stefan van der Walt, CC0"),
    Sample(name="Cup of coffee", file_name="coffee.jpg", source="Rachel Michetti, CC0"),
)
