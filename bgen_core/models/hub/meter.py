"""What the Hub's client does while it downloads, counted in place of the bars that it would draw."""

import threading
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(kw_only=True)
class Meter:
    """Counts what the client's threads receive, and stops them."""

    done: int = 0
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, count: float) -> None:
        if self.stopped:
            raise InterruptedError("nobody waits for this download any longer")
        with self.lock:
            self.done += int(count)

    def bar(self) -> type:
        """A class of progress bars, as the client makes them: it draws nothing."""
        meter = self

        class Bar:
            """One of several bars; the one that counts what is written to disk is the one that is followed."""

            def __init__(self, *args: Any, desc: str = "", unit: str = "it", total: float | None = None, **_: Any):
                del args
                self.total, self.n, self.desc = total, 0, desc
                self._counts = unit == "B" and desc.startswith("Reconstructing")

            def update(self, n: float | None = 1) -> None:
                if self._counts:
                    meter.note(n or 0)

            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def __getattr__(self, name: str) -> Any:
                return lambda *args, **options: None  # whatever else a bar can do: nothing is shown

            @classmethod
            def get_lock(cls) -> threading.Lock:
                return meter.lock

            @classmethod
            def set_lock(cls, lock: object) -> None:
                pass

        return Bar
