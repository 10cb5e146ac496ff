"""From a request to an answer: what came is checked, one function is called in a thread, what fails is a problem."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Any, cast

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message

from bgen_core.api.checked import ProblemError, checked_json, checked_texts
from bgen_core.api.operations import JSON_TYPE, Operation
from bgen_core.disk_room import check_disk
from bgen_core.errors import NoRoomError, NotAllowedError, StoreError, UserInputError
from bgen_core.jobs.executors.visitor_limits import TooManyCellsError
from bgen_core.settings import Settings
from pages._ui.app.faults import told
from pages._ui.identity.refusals import problem
from pages._ui.routes.api.call import Call, SentFile
from pages._ui.routes.api.upload_turns import UploadTurns
from pages._ui.routes.streaming import Endpoint, StoreOf

Answering = Callable[[Call], BaseModel | Response | None]

_MOST_JSON = 1_000_000  # as of a spec file
_FRAME = 64 * 1024  # of a form, around its files
_MOST_FIELDS = 20
_LONGEST_FIELD = 64 * 1024
_AGAIN = {"Retry-After": "10"}


def endpoint(
    operation: Operation,
    answering: Answering,
    *,
    store_of: StoreOf,
    settings: Callable[[], Settings],
    working: CapacityLimiter,
    uploads: UploadTurns,
) -> Endpoint:
    """What Starlette calls for an operation.

    Parameters
    ----------
    working
        How many requests are worked on at once: threads that are left belong to the pages.
    uploads
        Turns of those who send files.
    """

    async def answer(request: Request) -> Response:
        store = await run_sync(store_of, request, limiter=working)
        query = None
        if operation.query is not None:
            query = checked_texts(operation.query, query_of(request, operation.query))
        elif request.query_params:
            raise ProblemError(400, "Nothing is asked in this address: leave out what stands behind the question mark.")
        call = Call(request=request, store=store, settings=settings(), query=query)
        if operation.form is not None:
            with uploads.turn(store.visitor.id):
                body, files = await _form(request, operation, call.settings)
                call = Call(
                    request=request, store=store, settings=call.settings, query=query, body=body, files=files
                )  # fmt: skip
                return _sent(operation, await run_sync(answering, call, limiter=uploads.cutting))
        if operation.body is not None:
            body = checked_json(operation.body, await _json(request))
            call = Call(request=request, store=store, settings=call.settings, query=query, body=body)
        return _sent(operation, await run_sync(answering, call, limiter=working))

    async def answer_or_problem(request: Request) -> Response:
        try:
            return await answer(request)
        except (ProblemError, UserInputError, StoreError) as error:
            return as_problem(error)

    return answer_or_problem


def as_problem(error: ProblemError | UserInputError | StoreError) -> Response:
    """What went wrong, as problem details with the status that says of what kind it is."""
    match error:
        case ProblemError():
            more = {"field": error.field} if error.field else {}
            return problem(error.status, error.sentence, error.headers, **more)
        case TooManyCellsError():
            return problem(429 if error.is_own else 503, told(error), {"Retry-After": "60"})
        case NotAllowedError():
            return problem(403, told(error))
        case UserInputError():
            return problem(422, told(error))
        case NoRoomError():
            return problem(507, told(error))
        case StoreError():
            return problem(503, told(error), _AGAIN)


def _sent(operation: Operation, answer: BaseModel | Response | None) -> Response:
    if isinstance(answer, Response):
        return answer
    headers = {"Cache-Control": "no-store"}
    if answer is None:
        return Response(status_code=operation.status, headers=headers)
    return Response(answer.model_dump_json(), operation.status, headers, media_type=JSON_TYPE)


def query_of(request: Request, shape: type[BaseModel]) -> Mapping[str, Any]:
    """What is asked in the address: lists for what may stand there several times."""
    asked: dict[str, Any] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        may_repeat = name in shape.model_fields and isinstance(shape.model_fields[name].default, list)
        if len(values) > 1 and not may_repeat:
            raise ProblemError(400, f"{name[:80]} is given {len(values)} times: give it once.", field=name[:80])
        asked[name] = values if may_repeat else values[0]
    return asked


async def _json(request: Request) -> bytes:
    """The body, as far as it is JSON by its own word: forms of other sites' pages can be sent without asking."""
    body = b""
    async for piece in _limited(request, _MOST_JSON).stream():
        body += piece
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != JSON_TYPE:
        raise ProblemError(415, f"This is read as {JSON_TYPE} alone: send it with this Content-Type.")
    return body


async def _form(
    request: Request, operation: Operation, settings: Settings
) -> tuple[BaseModel, dict[str, SentFile]]:  # fmt: skip
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise ProblemError(415, "Files are read as multipart/form-data alone: send them as a form.")
    most = round(settings.max_upload_mb * 1e6)
    limited = _limited(request, len(operation.files) * most + _FRAME)
    for folder in (settings.home, Path(gettempdir())):  # Starlette lays long files down in the latter
        check_disk(folder, _declared(request), reserve=settings.disk_reserve)
    fields: dict[str, str] = {}
    files: dict[str, SentFile] = {}
    try:
        async with limited.form(
            max_files=len(operation.files), max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD
        ) as form:
            for name, value in form.multi_items():
                if name in fields or name in files:
                    raise ProblemError(400, f"{name[:80]} is given twice: give it once.", field=name[:80])
                if isinstance(value, UploadFile) != (name in operation.files):
                    what = "as a file" if name in operation.files else "as text and not as a file"
                    raise ProblemError(400, f"{name[:80]} is sent in another way than it is read: {what}.")
                if isinstance(value, UploadFile):
                    files[name] = SentFile(name=value.filename or name, data=await value.read())
                else:
                    fields[name] = value
    except MultiPartException as error:
        raise ProblemError(400, f"This is not a form that can be read ({error.message.rstrip('.')}).") from error
    except HTTPException as error:  # the same, within an app
        raise ProblemError(400, f"This is not a form that can be read ({error.detail.rstrip('.')}).") from error
    except UnicodeError as error:  # of a character set that refuses everything
        raise ProblemError(400, "This is no form that can be read: its character set must be UTF-8.") from error
    if operation.files[0] not in files:
        raise ProblemError(422, f"{operation.files[0]} is missing: send it as a file.", field=operation.files[0])
    return checked_texts(cast("type[BaseModel]", operation.form), fields, status=422), files


def _limited(request: Request, most: int) -> Request:
    """The same request, whose body ends in a problem where it is longer."""
    sentence = f"More was sent than the {most / 1e6:,.1f} MB that are allowed here."
    if _declared(request) > most:
        raise ProblemError(413, sentence)
    came = 0

    async def receive() -> Message:
        nonlocal came
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        came += len(message.get("body", b""))
        if came > most:
            raise ProblemError(413, sentence)
        return message

    return Request(request.scope, receive)


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    if not re.fullmatch(r"\d{1,18}", length):
        raise ProblemError(400, "The length of what is sent is no number: send it again.")
    return int(length)
