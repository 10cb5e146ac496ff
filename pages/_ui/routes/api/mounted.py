"""The API under its path: one route for each operation, and problem details for all else."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router, compile_path

from bgen_core.api.checked import ProblemError, checked_texts
from bgen_core.api.openapi import openapi_document
from bgen_core.api.operations import API_PATH, OPERATIONS, VERSION_PATH
from bgen_core.api.requests import ExportQuery
from bgen_core.errors import StoreError
from bgen_core.settings import Settings
from bgen_core.wording import listed
from pages._ui.app import resources
from pages._ui.identity.refusals import problem
from pages._ui.routes.api import runs, subjects, sweeps
from pages._ui.routes.api.answering import Answering, as_problem, endpoint, query_of
from pages._ui.routes.api.events import OpenStreams
from pages._ui.routes.api.upload_turns import UploadTurns
from pages._ui.routes.streaming import Endpoint, StoreOf

_WORKED_ON_AT_ONCE = 8  # of some forty threads that the server has

ANSWERING: Mapping[str, Answering] = {
    "me": runs.me,
    "models": runs.models,
    "upload_subject": subjects.upload_subject,
    "list_subjects": subjects.list_subjects,
    "read_subject": subjects.read_subject,
    "delete_subject": subjects.delete_subject,
    "forecast_sweep": sweeps.forecast_sweep,
    "submit_sweep": sweeps.submit_sweep,
    "list_sweeps": sweeps.list_sweeps,
    "read_sweep": sweeps.read_sweep,
    "read_cells": sweeps.read_cells,
    "pause_sweep": sweeps.pause_sweep,
    "continue_sweep": sweeps.continue_sweep,
    "cancel_sweep": sweeps.cancel_sweep,
    "retry_sweep": sweeps.retry_sweep,
    "share_sweep": sweeps.share_sweep,
    "finish_sweep": sweeps.finish_sweep,
    "list_runs": runs.list_runs,
    "read_run": runs.read_run,
    "change_opinion": runs.change_opinion,
}


def api_mount(
    store_of: StoreOf,
    exporting: Callable[[], Endpoint],
    *,
    settings: Callable[[], Settings] = resources.settings,
    streams: OpenStreams | None = None,
) -> Mount:
    """Everything under `API_PATH`.

    Parameters
    ----------
    store_of
        Gives the store as whoever asks sees it.
    exporting
        Gives the endpoint of downloads of runs, when it is first needed.
    streams
        Those who follow sweeps.
    """
    working, uploads = CapacityLimiter(_WORKED_ON_AT_ONCE), UploadTurns()
    following = streams or OpenStreams()
    answering = {**ANSWERING, "follow_sweep": following.follow}
    routes: list[BaseRoute] = [Route("/openapi.json", _document, methods=["GET"])]
    for operation in OPERATIONS:
        if operation.name == "export_runs":
            answer = _export(store_of, exporting, working)
        else:
            answer = endpoint(
                operation,
                answering[operation.name],
                store_of=store_of,
                settings=settings,
                working=working,
                uploads=uploads,
            )
        routes.append(Route(operation.path, answer, methods=[operation.method], name=operation.name))
    # No address leads on to another one: it would name the host as the server knows it, not as the script does.
    version = Mount(VERSION_PATH.removeprefix(API_PATH.rstrip("/")), app=Router(routes, redirect_slashes=False))
    app = Starlette(routes=[version], exception_handlers={HTTPException: _told, 500: _failed})
    app.router.redirect_slashes = False
    return Mount(API_PATH.rstrip("/"), app=app)


def _export(store_of: StoreOf, exporting: Callable[[], Endpoint], working: CapacityLimiter) -> Endpoint:
    """The downloads of the pages, whose refusals are problem details here."""

    async def export(request: Request) -> Response:
        def check() -> None:
            query = checked_texts(ExportQuery, query_of(request, ExportQuery))
            runs.checked_address(store_of(request), query)

        try:
            await run_sync(check, limiter=working)
        except (ProblemError, StoreError) as error:
            return as_problem(error)
        answer = await (await run_sync(exporting))(request)
        if answer.status_code < 400:
            return answer
        return problem(answer.status_code, bytes(answer.body).decode())

    return export


@cache
def _openapi() -> dict[str, Any]:
    return openapi_document()


async def _document(request: Request) -> Response:
    return JSONResponse(await run_sync(_openapi))


async def _told(request: Request, error: Exception) -> Response:
    """What Starlette's router says: there is no such address, or it is not asked in this way."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        methods = _methods_at(request.url.path.removeprefix(VERSION_PATH))
        be = "are" if len(methods) > 1 else "is"
        sentence = f"{request.method} is not done at this address: {listed(methods)} {be}."
        return problem(405, sentence, {"Allow": ", ".join(methods)})
    sentence = f"There is nothing at this address: {VERSION_PATH}/openapi.json lists all that is."
    return problem(error.status_code, sentence)


def _methods_at(path: str) -> list[str]:
    """All that an address is asked with; the router's own answer names those of its first operation alone."""
    methods = {each.method for each in OPERATIONS if compile_path(each.path)[0].fullmatch(path)} or {"GET"}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set[str]()))


async def _failed(request: Request, error: Exception) -> Response:
    """A bug: its trace is in the log, since Starlette raises it again."""
    return problem(500, "Something went wrong on our side; nothing you made is lost. Try again.")
