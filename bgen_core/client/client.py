"""The client: one server, one person."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from bgen_core.client.connection import ApiError, Connection
from bgen_core.client.handles import Json, SweepHandle, all_parts, measured, picture_of, runs_of

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

TOKEN_VARIABLE = "BGEN_TOKEN"


class Client:
    """A server for scripts; takes neither Streamlit nor torch.

    Parameters
    ----------
    url
        Where the app lies: "http://127.0.0.1:8501", or in a folder of its host "https://host/bgen/".
    token
        Of a person, such as the account popover makes; without one that of the environment's BGEN_TOKEN, if any.
    timeout
        Seconds that each wait for the server may take. An upload in the quality fine takes some.

    Attributes
    ----------
    subjects
        Photos with their alphas.

    Raises
    ------
    ApiError
        Everything that the server refuses, with its sentence and status; and where it does not answer.
    """

    def __init__(
        self, url: str = "http://127.0.0.1:8501", *, token: str | None = None, timeout: float = 60.0
    ) -> None:  # fmt: skip
        given = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
        self._connection = Connection(url, given.strip(), timeout)
        self.subjects = Subjects(self._connection)

    def me(self) -> Json:
        """Whom the token stands for: "id", "name", "role"."""
        return self._connection.get("me")

    def models(self) -> Json:
        """Which models may be named: "default" and "offered"."""
        return self._connection.get("models")

    def forecast(self, *, subject: Any, **plan: Any) -> Json:
        """What a sweep would cost; nothing is made. Takes what `sweep` takes."""
        return self._connection.send("POST", "sweeps/forecast", _plan(subject, plan))

    def sweep(self, *, subject: Any, **plan: Any) -> SweepHandle:
        """Put a sweep into the queue.

        Parameters
        ----------
        subject
            What `subjects.upload` returned, or a subject's id; several make an axis.
        **plan
            As in a file for `sweep --spec`: prompt, model, steps, guidance, seed, replace, pair, …; each one value, a
            list, or a text such as "10..30:10".
        """
        made = self._connection.send("POST", "sweeps", _plan(subject, plan))
        return SweepHandle(self._connection, made["id"])

    def open_sweep(self, sweep: str) -> SweepHandle:
        """A sweep that is there already."""
        handle = SweepHandle(self._connection, sweep)
        handle.status()
        return handle

    def sweeps(self, *, whose: str = "mine", limit: int = 50) -> list[Json]:
        """Sweeps, newest first: this person's, or with "all" those that they may see."""
        return self._connection.get("sweeps", {"whose": whose, "limit": limit})["sweeps"]

    def runs(
        self,
        q: str | None = None,
        *,
        conditions: str | Sequence[str] = (),
        sweep: str | None = None,
        ids: str | Sequence[str] | None = None,
        meaning: str | None = None,
        less: str | None = None,
        like: str | None = None,
        sort: str | None = None,
        limit: int | None = 100,
    ) -> list[Json]:
        """Runs, chosen as in the address of the compare page.

        Parameters
        ----------
        q
            Words in prompts and names.
        conditions
            Such as "strength:0.5..1" or "model:demo"; one or several.
        ids
            These alone; an empty list is no run.
        meaning, less
            What the pictures are to show, and what less of: the most alike come first. Needs a CLIP model there.
        like
            A run that they are to be like, in place of words.
        sort
            A column, with a minus before it from large to small.
        limit
            At most so many; None for all.
        """
        named = None if ids is None else ",".join(_texts(ids))
        if named == "":  # to the server that would be no condition
            return []
        query = {
            "q": q,
            "f": _texts(conditions) or None,
            "sweep": sweep,
            "ids": named,
            "meaning": meaning,
            "less": less,
            "like": like,
            "sort": sort,
        }
        return runs_of(self._connection, query, limit)

    def runs_to_pandas(self, q: str | None = None, **chosen: Any) -> "pd.DataFrame":
        """The runs that `runs` gives as a table, a row each; needs pandas."""
        import pandas as pd

        rows = [
            {
                "id": run["id"],
                "created": run["created"],
                "subject": run["subject_name"],
                "model": run["model"],
                **run["params"],
                **measured(run),
            }
            for run in self.runs(q, **chosen)
        ]
        return pd.DataFrame(rows)

    def run(self, run: str) -> Json:
        """One run, by its id or the first 8 digits of it or more."""
        return self._connection.get(f"runs/{quote(run, safe='')}")

    def picture(self, run: str | Mapping[str, Any], *, raw: bool = False) -> "Image.Image":
        """A run's picture at full size (Pillow); with `raw` what the model made, before the subject was put back.

        Parameters
        ----------
        run
            An id, or a run or cell as this client gives it.
        """
        return picture_of(self._connection, run, raw=raw)

    def rate(self, run: str, rating: int | None) -> Json:
        """Give a run 1 to 5 stars, or None for none."""
        return self._opinion(run, rating=rating)

    def note(self, run: str, notes: str) -> Json:
        """Write a note beside a run."""
        return self._opinion(run, notes=notes)

    def tag(self, run: str, tags: str | Sequence[str]) -> Json:
        """Replace a run's tags; a text alone is one tag."""
        return self._opinion(run, tags=_texts(tags))

    def export(self, form: str, path: str | Path, **query: Any) -> Path:
        """Save runs as a file: csv, json, parquet, zip or html; `q`, `f`, `sweep`, `ids` and `sort` choose them.

        Raises
        ------
        ApiError
            `ids` is an empty list, or what `Connection.open` raises.
        """
        target, ids = Path(path), query.get("ids")
        if ids is not None:
            query["ids"] = ",".join(_texts(ids))
            if not query["ids"]:
                raise ApiError(0, "ids names no run: give at least one, or leave it out for all.")
        self._connection.save(f"api/v1/export/runs.{quote(form, safe='')}", query, target)
        return target

    def _opinion(self, run: str, **change: Any) -> Json:
        return self._connection.send("PATCH", f"runs/{quote(run, safe='')}/opinion", change)


class Subjects:
    """Photos with their alphas, on the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upload(
        self,
        photo: str | Path | bytes,
        *,
        alpha: str | Path | bytes | None = None,
        name: str = "",
        **options: Any,
    ) -> Json:
        """Save a photo as a subject.

        Parameters
        ----------
        photo, alpha
            Files or their bytes. Without an alpha (white = keep) it is the file's own, or the person who is found.
        **options
            quality ("fast", "standard", "fine"), threshold, grow, feather, invert.

        Returns
        -------
        dict
            The subject, with "id" and "notes".
        """
        files = {"photo": _file(photo, "photo")} | ({} if alpha is None else {"alpha": _file(alpha, "alpha")})
        fields = {"name": name} if name else {}
        fields |= {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in options.items()}
        return self._connection.send_form("subjects", fields, files)

    def all(self) -> list[Json]:
        """All subjects, newest first."""
        return all_parts(self._connection, "subjects")

    def get(self, subject: str) -> Json:
        """One subject."""
        return self._connection.get(f"subjects/{quote(subject, safe='')}")

    def delete(self, subject: str) -> None:
        """Forget a subject and its photo; runs keep their pictures."""
        with self._connection.open("DELETE", f"api/v1/subjects/{quote(subject, safe='')}"):
            pass


def _plan(subject: Any, plan: Mapping[str, Any]) -> Json:
    several = list(cast("Sequence[Any]", subject)) if isinstance(subject, list | tuple) else [subject]
    ids: list[Any] = [each["id"] if isinstance(each, Mapping) else each for each in several]
    return {"subject": ids[0] if len(ids) == 1 else ids, **plan}


def _texts(given: str | Sequence[str]) -> list[str]:
    """Several texts, or one: taken for several it would be its letters."""
    return [given] if isinstance(given, str) else list(given)


def _file(given: str | Path | bytes, name: str) -> tuple[str, bytes]:
    if isinstance(given, bytes):
        return name, given
    try:
        return Path(given).name, Path(given).read_bytes()
    except OSError as error:
        raise ApiError(0, f"{given} cannot be read: {error.strerror}.") from error
