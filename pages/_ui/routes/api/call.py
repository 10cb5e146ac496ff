"""What a function that answers is given, and the problems that it may raise."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request

from bgen_core.api.checked import ProblemError
from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SubjectId, SweepId
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.settings import Settings
from bgen_core.store.store import SeenStore
from bgen_core.wording import quoted
from pages._ui.app.faults import told

Found = TypeVar("Found")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class SentFile:
    """A file of a form."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, checked.

    Attributes
    ----------
    store
        As whoever asks sees it.
    query, body
        In the shapes that the operation names; a form's fields are a body too.
    files
        Of a form.
    """

    request: Request
    store: SeenStore
    settings: Settings
    query: Any = None
    body: Any = None
    files: Mapping[str, SentFile] = field(default_factory=dict[str, SentFile])

    @property
    def executor(self) -> LocalExecutor:
        """What computes; what is submitted there is the visitor's."""
        return LocalExecutor(self.store, self.settings)

    @property
    def sweep_id(self) -> SweepId:
        return SweepId(self._id("sweep_id"))

    @property
    def subject_id(self) -> SubjectId:
        return SubjectId(self._id("subject_id"))

    @property
    def run_id(self) -> RunId:
        """As it was written: it may be the beginning of an id."""
        return RunId(self._id("run_id"))

    def _id(self, name: str) -> str:
        """An id of the path. What can be none is looked for nowhere: databases do not take every letter."""
        given: str = self.request.path_params[name]
        if not _ID.fullmatch(given):
            raise ProblemError(404, f"{quoted(given, 40)} is no id: see the lists of subjects, sweeps and runs.")
        return given


def found(look: Callable[[], Found]) -> Found:
    """What is looked for by an id.

    Raises
    ------
    ProblemError
        404 where it is not there, or not this visitor's to see.
    """
    try:
        return look()
    except UserInputError as error:
        raise ProblemError(404, told(error)) from error
