"""Whether a worker hangs: it has limits within which it must show that it gets on."""

from dataclasses import dataclass, field

from bgen_core.jobs.worker_folder import WorkerStatus

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

    def hangs(self, status: WorkerStatus | None, now: float) -> bool:
        """Take in what the worker says of itself, or None where it has said nothing yet."""
        if status is not None and status.beat != self._beat:
            self._beat, self._beat_seen = status.beat, now
        if status is not None and status.signs != self._signs:
            self._signs, self._sign_seen = status.signs, now
        longest = self.limit * LOADING_FACTOR
        if status is None:
            return now - self.began > longest
        patience = longest if status.state == "loading" else self.limit
        return now - self._beat_seen > self.limit or now - self._sign_seen > patience
