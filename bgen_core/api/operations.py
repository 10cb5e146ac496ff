"""The table of operations: one row is one route, one entry of the OpenAPI document, and one function that answers."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from bgen_core.api import answers, requests

API_PATH = "/api/"
VERSION_PATH = "/api/v1"
JSON_TYPE = "application/json"
Method = Literal["GET", "POST", "PATCH", "DELETE"]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What can be asked.

    Attributes
    ----------
    name
        Of the function that answers, and the document's operationId.
    path
        Behind `VERSION_PATH`; ids in braces. An id never holds a slash.
    summary
        One sentence.
    query, body, form
        Shapes of what is asked in the address, sent as JSON, or sent as a form with files.
    files
        Names of the form's files; the first one is needed.
    answer
        Shape of the answer; None where there is none, or it is no JSON.
    media_type
        Of the answer.
    status
        Of a good answer.
    """

    name: str
    method: Method
    path: str
    summary: str
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    form: type[BaseModel] | None = None
    files: tuple[str, ...] = ()
    answer: type[BaseModel] | None = None
    media_type: str = JSON_TYPE
    status: int = 200

    @property
    def changes(self) -> bool:
        """Whether it needs the scope sweep."""
        return self.method != "GET"

    @property
    def ids(self) -> tuple[str, ...]:
        """Names in the path's braces."""
        return tuple(part[1:-1] for part in self.path.replace(".", "/").split("/") if part.startswith("{"))


OPERATIONS: tuple[Operation, ...] = (
    Operation(name="me", method="GET", path="/me", summary="Whom the token stands for.", answer=answers.Me),
    Operation(name="models", method="GET", path="/models", summary="Which models may be named.", answer=answers.Models),
    Operation(
        name="upload_subject",
        method="POST",
        path="/subjects",
        summary="Save a photo with its alpha: the one that is sent, the file's own, or the person who is found.",
        form=requests.SubjectForm,
        files=("photo", "alpha"),
        answer=answers.SubjectSaved,
        status=201,
    ),
    Operation(
        name="list_subjects",
        method="GET",
        path="/subjects",
        summary="Saved subjects, newest first.",
        query=requests.SubjectsQuery,
        answer=answers.Subjects,
    ),
    Operation(
        name="read_subject", method="GET", path="/subjects/{subject_id}", summary="One subject.", answer=answers.Subject
    ),
    Operation(
        name="delete_subject",
        method="DELETE",
        path="/subjects/{subject_id}",
        summary="Forget a subject and its photo; runs keep their pictures.",
        status=204,
    ),
    Operation(
        name="forecast_sweep",
        method="POST",
        path="/sweeps/forecast",
        summary="What a sweep would cost; nothing is made or kept.",
        body=requests.SweepRequest,
        answer=answers.Forecast,
    ),
    Operation(
        name="submit_sweep",
        method="POST",
        path="/sweeps",
        summary="Put a sweep into the queue.",
        body=requests.SweepRequest,
        answer=answers.SweepStatus,
        status=201,
    ),
    Operation(
        name="list_sweeps",
        method="GET",
        path="/sweeps",
        summary="Sweeps, newest first.",
        query=requests.SweepsQuery,
        answer=answers.Sweeps,
    ),
    Operation(
        name="read_sweep",
        method="GET",
        path="/sweeps/{sweep_id}",
        summary="A sweep and how far it is.",
        answer=answers.SweepStatus,
    ),
    Operation(
        name="read_cells",
        method="GET",
        path="/sweeps/{sweep_id}/cells",
        summary="The cells of a sweep with their runs.",
        answer=answers.Cells,
    ),
    Operation(
        name="follow_sweep",
        method="GET",
        path="/sweeps/{sweep_id}/events",
        summary="Follow a sweep by server-sent events until it ends.",
        answer=answers.SweepNews,
        media_type="text/event-stream",
    ),
    *(
        Operation(
            name=f"{act}_sweep",
            method="POST",
            path=f"/sweeps/{{sweep_id}}/{act}",
            summary=summary,
            body=requests.NothingAsked,
            answer=answers.SweepStatus,
        )
        for act, summary in (
            ("pause", "Stop a sweep for a while; what is made stays."),
            ("continue", "Go on with a paused sweep."),
            ("cancel", "Stop a sweep; what is made of it is kept."),
        )
    ),
    Operation(
        name="retry_sweep",
        method="POST",
        path="/sweeps/{sweep_id}/retry",
        summary="Make what is missing or failed of a sweep that ended.",
        body=requests.RetryRequest,
        answer=answers.SweepStatus,
    ),
    Operation(
        name="share_sweep",
        method="POST",
        path="/sweeps/{sweep_id}/share",
        summary="Say who sees a sweep: its owner (private), whoever opens its page (link), or all (shared).",
        body=requests.ShareRequest,
        answer=answers.SweepStatus,
    ),
    Operation(
        name="finish_sweep",
        method="POST",
        path="/sweeps/{sweep_id}/finish",
        summary="Make chosen cells of an explored sweep with full steps, as a new sweep.",
        body=requests.FinishRequest,
        answer=answers.SweepStatus,
        status=201,
    ),
    Operation(
        name="list_runs",
        method="GET",
        path="/runs",
        summary="Runs, chosen as in the address of the compare page.",
        query=requests.RunsQuery,
        answer=answers.Runs,
    ),
    Operation(
        name="read_run",
        method="GET",
        path="/runs/{run_id}",
        summary="One run, by its id or the first 8 digits of it or more.",
        answer=answers.Run,
    ),
    Operation(
        name="change_opinion",
        method="PATCH",
        path="/runs/{run_id}/opinion",
        summary="Rate a run, write a note beside it, give it tags.",
        body=requests.OpinionChange,
        answer=answers.Run,
    ),
    Operation(
        name="export_runs",
        method="GET",
        path="/export/runs.{suffix}",
        summary="Runs as a file: csv, json, parquet, zip (with all pictures) or html.",
        query=requests.ExportQuery,
        media_type="application/octet-stream",
    ),
)
