"""What a client has in hand: a sweep that is followed, and the runs of its grid."""

import time
from collections.abc import Generator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bgen_core.client.connection import STILL_HERE, ApiError, Connection

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

Json = dict[str, Any]
_ENDED = ("done", "cancelled", "failed")
_MOST_IN_ONE = 1000  # runs or subjects in one answer
_SHORTEST_WAIT = 0.1
_PAUSE = 1.0  # before a stream that ended, or never came, is opened again


class SweepHandle:
    """One sweep of the server.

    Attributes
    ----------
    id
        Its id.
    """

    def __init__(self, connection: Connection, named: str) -> None:
        self._connection = connection
        self.id = named
        self._path = f"sweeps/{quote(named, safe='')}"

    def __repr__(self) -> str:
        return f"SweepHandle({self.id})"

    @property
    def page(self) -> str:
        """Address of its page, for a browser."""
        return f"{self._connection.url}sweep?id={quote(self.id, safe='')}"

    def status(self) -> Json:
        """How it is now: "state", how many cells are "made", and what else the API's SweepStatus has."""
        return self._connection.get(self._path)

    def events(self, *, timeout: float | None = None) -> Generator[Json]:
        """What is new, from all that is known now until the sweep ends; reconnects by itself.

        Parameters
        ----------
        timeout
            Seconds after which following stops with an ApiError; None for as long as the sweep takes.

        Yields
        ------
        dict
            "event" ("state", "news" or "end"), "sweep", "made", "failed" and "progress".
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                longest = self._longest_wait(deadline)
                for name, data in self._connection.events(f"{self._path}/events", timeout=longest):
                    if name != STILL_HERE:
                        yield {"event": name, **data}
                    if name == "end":
                        return
                    self._check(deadline, timeout)
                    if name == STILL_HERE and self._longest_wait(deadline) < longest:
                        break  # this stream would wait beyond the deadline
            except ApiError as error:
                if error.status not in (0, 429, 502, 503, 504):
                    raise
                self._check(deadline, timeout, error)
                time.sleep(max(_PAUSE, error.retry_after))
            self._check(deadline, timeout)

    def wait(self, timeout: float | None = None) -> "SweepHandle":
        """Wait until it has ended; returns itself.

        Raises
        ------
        ApiError
            It failed or was cancelled (its sentence says why), or takes longer than `timeout` seconds.
        """
        sweep: Json = {}
        for event in self.events(timeout=timeout):
            sweep = event["sweep"]
        if sweep["state"] != "done":
            raise ApiError(0, sweep["message"] or f"The sweep {self.id} was {sweep['state']}.")
        return self

    def cells(self) -> list[Json]:
        """Its cells by index: "run", "made", "error", "stopped_early", "model", "subject", "params"."""
        return self._connection.get(f"{self._path}/cells")["cells"]

    def runs(self) -> list[Json]:
        """The runs of its grid that are made, newest first."""
        return runs_of(self._connection, {"sweep": self.id})

    def to_pandas(self) -> "pd.DataFrame":
        """Its cells as a table, a row each in the order of the plan: parameters, metrics, opinions; needs pandas."""
        import pandas as pd

        runs = {run["id"]: run for run in self.runs()}
        rows = [
            {
                "index": cell["index"],
                "run": cell["run"],
                "made": cell["made"],
                "error": cell["error"],
                "stopped_early": cell["stopped_early"],
                "model": cell["model"],
                "subject": cell["subject"],
                **cell["params"],
                **measured(runs.get(cell["run"], {})),
            }
            for cell in self.cells()
        ]
        return pd.DataFrame(rows).set_index("index")

    def picture(self, run: "str | Mapping[str, Any]", *, raw: bool = False) -> "Image.Image":
        """A run's picture; see `Client.picture`."""
        return picture_of(self._connection, run, raw=raw)

    def pause(self) -> Json:
        """Stop it for a while; what is made stays."""
        return self._connection.send("POST", f"{self._path}/pause")

    def go_on(self) -> Json:
        """Continue it."""
        return self._connection.send("POST", f"{self._path}/continue")

    def cancel(self) -> Json:
        """Stop it; what is made is kept."""
        return self._connection.send("POST", f"{self._path}/cancel")

    def retry(self, cell: int | None = None, *, stopped: bool = False) -> Json:
        """Make what is missing or failed, of one cell or of all; with `stopped` also what was stopped early."""
        asked = {} if cell is None else {"cell": cell}
        return self._connection.send("POST", f"{self._path}/retry", asked | ({"stopped": True} if stopped else {}))

    def share(self, sharing: str) -> Json:
        """Say who sees it beside its owner and admins: "private", "link" or "shared"."""
        return self._connection.send("POST", f"{self._path}/share", {"sharing": sharing})

    def finish(self, cells: list[int], steps: Any) -> "SweepHandle":
        """Make chosen cells of an explored sweep with full steps; returns the new sweep."""
        made = self._connection.send("POST", f"{self._path}/finish", {"cells": cells, "steps": steps})
        return SweepHandle(self._connection, made["id"])

    def _longest_wait(self, deadline: float | None) -> float:
        """Seconds for which the server may say nothing: no longer than until the deadline."""
        most = self._connection.timeout
        return most if deadline is None else min(most, max(_SHORTEST_WAIT, deadline - time.monotonic()))

    def _check(self, deadline: float | None, timeout: float | None, error: ApiError | None = None) -> None:
        if deadline is not None and time.monotonic() > deadline:
            raise ApiError(0, f"The sweep {self.id} has not ended after {timeout:g} s.") from error


def runs_of(connection: Connection, query: Mapping[str, Any], limit: int | None = None) -> list[Json]:
    """All runs that a query means, or the first `limit` of them."""
    return all_parts(connection, "runs", query, limit)


def all_parts(
    connection: Connection, path: str, query: Mapping[str, Any] | None = None, limit: int | None = None
) -> list[Json]:
    """What a list of the server has, part by part, each thing once: what is made meanwhile moves the others on."""
    found: dict[str, Json] = {}
    offset = 0
    while limit is None or len(found) < limit:
        most = _MOST_IN_ONE if limit is None else min(_MOST_IN_ONE, limit - len(found))
        answer = connection.get(path, {**(query or {}), "limit": most, "offset": offset})
        part: list[Json] = answer[path]
        for each in part:
            found.setdefault(each["id"], each)
        offset += len(part)
        if not part or offset >= answer["total"]:
            break
    return list(found.values())


def measured(run: Mapping[str, Any]) -> Json:
    """What a table has of a run beside its parameters."""
    if not run:
        return {}
    return {
        "seconds": sum(run["seconds"].values()),
        **{name: each["value"] for name, each in run["metrics"].items() if name not in ("seconds",)},
        "rating": run["rating"],
        "mean_rating": run["mean_rating"],
        "notes": run["notes"],
        "tags": ", ".join(run["tags"]),
        "picture": run["picture"],
    }


def picture_of(connection: Connection, run: "str | Mapping[str, Any]", *, raw: bool) -> "Image.Image":
    """A run's picture, whole."""
    from PIL import Image

    found: Mapping[str, Any] = connection.get(f"runs/{quote(run, safe='')}") if isinstance(run, str) else run
    if "picture" not in found:  # a cell
        found = connection.get(f"runs/{quote(str(found['run']), safe='')}")
    picture = Image.open(BytesIO(connection.download(found["raw_picture" if raw else "picture"])))
    picture.load()
    return picture
