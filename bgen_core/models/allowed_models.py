"""Which models visitors of the pages may name: decided by names alone, before anything is looked for or fetched."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import OFFERED, describe_model
from bgen_core.models.default_model import default_model
from bgen_core.models.steering.ip_adapters import USUAL
from bgen_core.settings import CATALOGUE, Settings
from bgen_core.wording import quoted

_EVERYTHING = "*"
_USUAL_REPOSITORY = USUAL.rpartition("/models/")[0]


@dataclass(frozen=True)
class AllowedModels:
    """The operator's list.

    Attributes
    ----------
    entries
        Names of the catalogue, Hub ids, absolute paths; a last part "*" stands for any one name, "*" alone for all.
        "catalogue" stands for the program's own models and for the IP-Adapters that it names itself.
    default
        The deployment's model, which is always allowed.
    """

    entries: tuple[str, ...]
    default: str

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        """One name in the place of a star: neither a folder above, nor one that is hidden, nor one further down."""
        names = dict.fromkeys(self._meant())
        return tuple(re.compile(re.escape(name).replace(r"\*", r"[^/\\.][^/\\]*")) for name in names)

    def _meant(self) -> Iterator[str]:
        for entry in (*self.entries, self.default):
            if entry == CATALOGUE:
                yield from (known.name for known in OFFERED)
                yield _USUAL_REPOSITORY
            else:
                yield describe_model(entry).name

    def holds(self, name: str) -> bool:
        """Whether a model, or a repository of the Hub, may be named."""
        if _EVERYTHING in self.entries:
            return True
        known = describe_model(name).name
        return any(pattern.fullmatch(known) for pattern in self._patterns)

    def check(self, names: Iterable[str], what: str = "model") -> None:
        """Refuse a name that is not on the list, in the same words whether there is such a thing or not.

        Raises
        ------
        UserInputError
            Names it, and where others are allowed.
        """
        for name in names:
            if not self.holds(name):
                raise UserInputError(
                    f"The {what} {quoted(name, 80)} cannot be used on this server: choose one of the list, or ask its "
                    "operator to allow it (BGEN_MODELS_ALLOWED)."
                )

    def offered(self) -> tuple[str, ...]:
        """Names for a list to choose from; of folders, the models that lie in them now."""
        found: dict[str, None] = dict.fromkeys(entry.name for entry in OFFERED if self.holds(entry.name))
        for entry in self.entries:
            if entry.endswith("/*"):
                found.update(dict.fromkeys(_in_folder(Path(entry[:-2]))))
            elif entry not in (CATALOGUE, _EVERYTHING):
                found[describe_model(entry).name] = None
        return tuple(found)


def allowed_models(settings: Settings) -> AllowedModels:
    """What `BGEN_MODELS_ALLOWED` says to visitors of the pages. The command line may name any model."""
    entries = (entry.strip() for entry in settings.models_allowed.split(","))
    return AllowedModels(tuple(entry for entry in entries if entry), default_model(settings))


def _in_folder(folder: Path) -> Iterator[str]:
    """Models of a folder that the operator names; one of the Hub's owners is none."""
    if not PurePath(folder).is_absolute() or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.suffix == ".safetensors" or (path / "model_index.json").is_file():
            yield str(path)
