"""This process among those that share a store's work: it beats, and for as long as it does what it takes is its own."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any

from bgen_core.errors import StoreError
from bgen_core.ids import SweepId, WorkerId
from bgen_core.process_identity import this_process
from bgen_core.records.progress import SweepProgress
from bgen_core.records.worker import WorkerKind, WorkerStatus
from bgen_core.store.coordination.leases import LEASE_KINDS, LeaseKind, Leases
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

BEAT_SECONDS = 3.0  # a tenth of what leases last: several may fail


def new_worker_id() -> WorkerId:
    """A name that no process has had."""
    return WorkerId(secrets.token_hex(8))


class Member:
    """A process with what it holds. From any thread.

    Used by `with`, it beats from a thread of its own, also while a model loads, and gives everything back at the end.
    That this thread lives says nothing of the one that works: that one gives signs of progress, and the supervisor
    replaces a worker that gives none for long. Without `with` it beats when it takes something: enough for seconds.

    A store that is away ends nothing here. What others took meanwhile is found by the first beat that succeeds.

    Parameters
    ----------
    store, kind
        Whose work it shares, as what.
    terms
        See `WorkerStatus`.
    worker_id
        Its name in the store, where somebody else has to know that before; a new one otherwise.

    Attributes
    ----------
    id
        Its name in the store.
    leases
        What all processes hold.
    lost_in_all
        How many things others took from it in its life, since it was taken for dead.
    counts
        Gives figures of its work with each beat: see `running.work_counts`.
    """

    def __init__(
        self,
        store: Store,
        kind: WorkerKind,
        *,
        terms: dict[str, str] | None = None,
        worker_id: WorkerId | None = None,
    ) -> None:
        self.id = worker_id or new_worker_id()
        self.leases: Leases = store.leases
        self.counts: Callable[[], dict[str, float]] = dict
        self._store = store
        self._kind: WorkerKind = kind
        self._said = WorkerStatus(terms=terms or {})
        self._signs = 0
        self._turn = threading.RLock()  # one of its threads at a time tells the store, and may wait for that
        self._memory = threading.Lock()  # guards what follows, for moments
        self._held: dict[LeaseKind, set[str]] = {kind: set() for kind in LEASE_KINDS}
        self._lost: dict[LeaseKind, set[str]] = {kind: set() for kind in LEASE_KINDS}
        self._given_back: dict[LeaseKind, set[str]] = {kind: set() for kind in LEASE_KINDS}  # the store does not know
        self._progress: dict[SweepId, SweepProgress] = {}  # likewise
        self._next_beat = 0.0
        self._is_away = False
        self.lost_in_all = 0
        self._news, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Member":
        self._tell()
        self._thread = threading.Thread(target=self._tell_for_ever, name="heartbeat", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()
        try:
            self._store.workers.leave(self.id)
        except StoreError:
            logger.warning("the store is not told that this process ends: what it held is free later", exc_info=True)

    def sign(self) -> None:
        """Show that the work gets on; told with the next beat."""
        self._signs += 1

    def say(self, **changes: Any) -> None:
        """Change what the status says, at once; a sign too."""
        self.sign()
        with self._memory:
            said, self._said = self._said, replace(self._said, **changes)
            if said == self._said:
                return
            self._next_beat = 0.0
        self._tell_soon()

    def take(self, kind: LeaseKind, names: Iterable[str]) -> set[str]:
        """Take what is free; returns those that this process holds now.

        Raises
        ------
        StoreError
            The store cannot be asked.
        """
        wanted = set(names)
        with self._turn:
            if time.monotonic() >= self._next_beat + BEAT_SECONDS:  # it was held up, and may have lost something
                self._beat()
            with self._memory:
                self._given_back[kind] -= wanted
                self._lost[kind] -= wanted
                new = wanted - self._held[kind]
            taken = self._store.leases.take(self.id, kind, new) if new else set[str]()
            with self._memory:
                self._held[kind] |= taken
                return self._held[kind] & wanted

    def release(self, kind: LeaseKind, names: Iterable[str]) -> None:
        """Give back, at once where the store answers; what is not held is no error."""
        self.release_later(kind, names)
        try:
            with self._turn:
                self._give_back()
        except StoreError:
            logger.warning("what is not needed any more cannot be given back yet", exc_info=True)

    def release_later(self, kind: LeaseKind, names: Iterable[str]) -> None:
        """Give back with the next beat: for what nobody waits for. It waits for no store."""
        unwanted = set(names)
        with self._memory:
            mine = self._held[kind] & unwanted
            self._held[kind] -= mine
            self._given_back[kind] |= mine
            self._lost[kind] -= unwanted

    def holds(self, kind: LeaseKind, name: str) -> bool:
        """Whether this process has it, as far as it knows."""
        return name in self._held[kind]

    def lost(self, kind: LeaseKind) -> set[str]:
        """What it held and others took, since it did not beat for so long; until it is taken again or released."""
        with self._memory:
            return set(self._lost[kind])

    def note_progress(self, sweep_id: SweepId, progress: SweepProgress) -> None:
        """Tell how far a sweep is. Where the store does not answer, that costs the news and never the work."""
        self._progress[sweep_id] = progress
        self._tell_soon()

    def clear_progress(self, sweep_id: SweepId) -> None:
        """Nothing more is to be told of a sweep."""
        with self._turn:
            self._progress.pop(sweep_id, None)
            try:
                self._store.progress.clear(sweep_id, self.id)
            except StoreError:
                logger.warning("the progress of sweep %s stays written", sweep_id, exc_info=True)

    def _tell_soon(self) -> None:
        if self._thread is None:
            self._tell()
        else:
            self._news.set()

    def _tell_for_ever(self) -> None:
        while not self._ended.is_set():
            self._news.wait(max(0.0, self._next_beat - time.monotonic()))
            self._news.clear()
            if not self._ended.is_set() and not self._tell():
                self._ended.wait(BEAT_SECONDS)

    def _tell(self) -> bool:
        """Tell the store what is new; whether it took it."""
        try:
            with self._turn:
                self._give_back()
                if time.monotonic() >= self._next_beat:
                    self._beat()
                for sweep_id in list(self._progress):  # others may bring more meanwhile
                    self._store.progress.write(self.id, sweep_id, self._progress.pop(sweep_id))
        except Exception as error:  # without this thread everything would be lost
            is_fault = not isinstance(error, StoreError)
            if is_fault or not self._is_away:
                logger.warning("the store cannot be told that this process lives: %s", error, exc_info=is_fault)
            self._is_away = True
            self._progress.clear()
            return False
        if self._is_away:
            logger.warning("the store is told again that this process lives")
            self._is_away = False
        return True

    def _beat(self) -> None:
        began, said = time.monotonic(), self._said
        status = replace(said, signs=self._signs, counts=self.counts())
        leases = self._store.workers.beat(self.id, self._kind, this_process(), status)
        with self._memory:
            if self._said == said:  # else it is due again: something was said meanwhile
                self._next_beat = began + BEAT_SECONDS
            known = sum(len(names) for each in (self._held, self._given_back) for names in each.values())
        if leases != known:
            self._find_lost()

    def _find_lost(self) -> None:
        own = self._store.leases.of(self.id)
        with self._memory:
            for kind in LEASE_KINDS:
                rows = {name for of, name in own if of == kind}
                if lost := self._held[kind] - rows:
                    self.lost_in_all += len(lost)
                    logger.warning("others have taken %d of what this process held as %r", len(lost), kind)
                self._held[kind] -= lost
                self._lost[kind] |= lost
                self._given_back[kind] = rows - self._held[kind]

    def _give_back(self) -> None:
        for kind in LEASE_KINDS:
            with self._memory:
                names = set(self._given_back[kind])
            if names:
                self._store.leases.release(self.id, kind, names)
                with self._memory:
                    self._given_back[kind] -= names
