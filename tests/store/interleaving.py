"""Several actors on one store, one step at a time in an order drawn by chance: each order can be had again by its seed.

A step ends before each request to the place of the pictures, each turn of a writer and each pause. An actor may be
killed between two of them.
"""

import random
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bgen_core.store import blobs, removals
from bgen_core.store.store import Store

REQUESTS = ("read", "exists", "size", "sizes", "holds", "write_all", "remove_all", "list_files")


class _KilledError(BaseException):
    """Ends the thread of an actor that was killed, when all is over."""


class _Actor:
    def __init__(self, act: Callable[[], None], play: "Play") -> None:
        self.may_go, self.is_over, self.fault = threading.Semaphore(0), False, None
        self._act, self._play = act, play
        self.thread = threading.Thread(target=self._run, daemon=True)

    fault: BaseException | None

    def _run(self) -> None:
        self._play.me.actor = self
        self.may_go.acquire()
        try:
            self._act()
        except _KilledError:
            pass
        except BaseException as error:
            self.fault = error
        self.is_over = True
        self._play.is_my_turn.release()


class Play:
    """Acts on a store in turns.

    Parameters
    ----------
    look
        Called after each step, with nobody under way.
    """

    def __init__(self, store: Store, chance: random.Random, look: Callable[[], None]) -> None:
        self.me, self.is_my_turn, self.seconds = threading.local(), threading.Semaphore(0), 0.0
        self._store, self._chance, self._look, self._in_turn = store, chance, look, False
        self._dead: list[_Actor] = []
        self._curtain = False

    def perform(self, acts: list[Callable[[], None]], *, kills: int = 0) -> None:
        """Until all are done or dead; raises what one of them raised."""
        actors = [_Actor(act, self) for act in acts]
        with pytest.MonkeyPatch.context() as patch:
            self._hook(patch)
            for actor in actors:
                actor.thread.start()
            while under_way := [each for each in actors if not each.is_over and each not in self._dead]:
                actor = self._chance.choice(under_way)
                if kills and self._chance.random() < 0.03:
                    kills -= 1
                    self._dead.append(actor)
                    continue
                actor.may_go.release()
                self.is_my_turn.acquire()
                self._look()
        self._curtain = True
        for actor in self._dead:
            actor.may_go.release()
        for actor in actors:
            actor.thread.join()
            if actor.fault is not None:
                raise actor.fault

    def _pause(self) -> None:
        self.seconds += 2
        self._step()

    def _step(self) -> None:
        actor: _Actor | None = getattr(self.me, "actor", None)
        if actor is None:  # whoever looks
            return
        assert not self._in_turn, "the place of the pictures was asked in the writer's turn"
        if self._curtain:
            raise _KilledError
        self.is_my_turn.release()
        actor.may_go.acquire()
        if self._curtain:
            raise _KilledError

    def _hook(self, patch: pytest.MonkeyPatch) -> None:
        place, database = self._store.blobs._place, self._store.database

        def stepping(call: Callable[..., Any]) -> Callable[..., Any]:
            def stepped(*args: Any, **kwargs: Any) -> Any:
                self._step()
                result = call(*args, **kwargs)
                return iter(list(result)) if isinstance(result, Iterator) else result

            return stepped

        for name in REQUESTS:
            patch.setattr(place, name, stepping(getattr(place, name)))
        writing = database.writing

        @contextmanager
        def turn() -> Generator[Session]:
            self._step()
            with writing() as session:
                self._in_turn = True
                try:
                    yield session
                finally:
                    self._in_turn = False

        patch.setattr(database, "writing", turn)
        for module in (removals, blobs):
            patch.setattr(module, "monotonic", lambda: self.seconds)
        patch.setattr(removals, "sleep", lambda _: self._pause())
        began = datetime.now(UTC)
        patch.setattr(removals, "_now", lambda _: began + timedelta(seconds=self.seconds))
