"""The fine edge: seconds of work in a thread that outlives the script, and a look at it now and then."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import streamlit as st

from bgen_core.errors import UserInputError
from pages._ui.app.faults import told

_KEPT = 4  # results: each is an alpha at its photo's size
_DISPLACED = "The fine edge was given up, because others want theirs: save again, or choose the quality standard."


@dataclass(frozen=True, kw_only=True)
class _Job:
    future: Future[np.ndarray]
    started: float
    cancelled: threading.Event

    def cancel(self) -> None:
        self.cancelled.set()
        self.future.cancel()


class FineEdges:
    """Fine alphas of this server, by the photo's key: made one at a time, the last few kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fine-edge")
        self._jobs: OrderedDict[str, _Job] = OrderedDict()

    def start(self, key: str, work: Callable[[threading.Event], np.ndarray]) -> None:
        """Begin, unless it is made or being made. The work ends soon once the event that it gets is set."""
        with self._lock:
            if key in self._jobs:
                self._jobs.move_to_end(key)
                return
            cancelled = threading.Event()
            future = self._pool.submit(work, cancelled)
            self._jobs[key] = _Job(future=future, started=time.monotonic(), cancelled=cancelled)
            while len(self._jobs) > _KEPT:
                _, oldest = self._jobs.popitem(last=False)
                oldest.cancel()

    def look(self, key: str) -> np.ndarray | None:
        """The result where it is there and went well."""
        job = self._jobs.get(key)
        done = job is not None and job.future.done() and not job.future.cancelled()
        return job.future.result() if job and done and job.future.exception() is None else None

    def problem(self, key: str) -> str:
        """Why it failed, in one sentence, once; empty where it did not. Faults of the program are raised."""
        job = self._jobs.get(key)
        if job is None or not job.future.done() or job.future.cancelled() or job.future.exception() is None:
            return ""
        self.forget(key)
        try:
            job.future.result()
        except UserInputError as error:
            return told(error)
        return ""

    def wait(self, key: str) -> np.ndarray | None:
        """The result, however long it takes; None where nobody has begun.

        Raises
        ------
        UserInputError
            It failed, or others wanted theirs before it had its turn.
        """
        job = self._jobs.get(key)
        try:
            return None if job is None else job.future.result()
        except CancelledError:
            raise UserInputError(_DISPLACED) from None

    def seconds(self, key: str) -> float | None:
        """How long it has been under way; None where it is not."""
        job = self._jobs.get(key)
        return None if job is None or job.future.done() else time.monotonic() - job.started

    def forget(self, key: str) -> None:
        """Nobody wants it any more: what is being computed ends."""
        with self._lock:
            if (job := self._jobs.pop(key, None)) is not None:
                job.cancel()


@st.cache_resource(show_spinner=False)
def fine_edges() -> FineEdges:
    """The one of this server."""
    return FineEdges()


@st.fragment(run_every=1.0)
def watch_fine_edge(key: str, cancel: Callable[[], None]) -> None:
    """Say how far a fine edge is, and run the page again when it is there."""
    seconds = fine_edges().seconds(key)
    if seconds is None:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/hourglass_top: The fine edge is being made: {seconds:.0f} s. Go on painting meanwhile.")
        if st.button("Cancel", key="fine_cancel", type="tertiary"):
            cancel()
            st.rerun()
