"""Whether a worker hangs: it has limits within which it must show that it gets on."""

from dataclasses import dataclass, field

from bgen_core.records.worker import WorkerRecord

# A model that is loaded, downloaded or measured for the first time shows nothing until it is there; nor does a process
# that has only just been started on a busy machine.
LOADING_FACTOR = 6


@dataclass(kw_only=True)
class WorkerWatch:
    """One worker under watch, by the clock of who watches: the worker's own may have stopped.

    Parameters
    ----------
    limit
        Seconds without any sign of progress after which it counts as hung; `LOADING_FACTOR` times as many while it
        loads a model and its heart beats, or has not said a word yet.
    began
        When it was started: seconds of whatever clock `hangs` is given.
    """

    limit: float
    began: float
    _beat: float = field(default=0.0, init=False)
    _signs: int = field(default=-1, init=False)
    _beat_seen: float = field(init=False)
    _sign_seen: float = field(init=False)

    def __post_init__(self) -> None:
        self._beat_seen = self._sign_seen = self.began

    def forgive(self, now: float) -> None:
        """Begin anew: whoever watches could not see for a while what it said, and it could not say it either."""
        self.began = self._beat_seen = self._sign_seen = now

    def hangs(self, worker: WorkerRecord | None, now: float) -> bool:
        """Take in what the worker says of itself, or None where it has said nothing yet."""
        if worker is not None and worker.beat != self._beat:
            self._beat, self._beat_seen = worker.beat, now
        if worker is not None and worker.status.signs != self._signs:
            self._signs, self._sign_seen = worker.status.signs, now
        longest = self.limit * LOADING_FACTOR
        if worker is None:
            return now - self.began > longest
        patience = longest if worker.status.state == "loading" else self.limit
        return now - self._beat_seen > self.limit or now - self._sign_seen > patience
