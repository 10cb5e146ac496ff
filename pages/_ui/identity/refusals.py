"""How the gate says no: to scripts in problem details, to everything else in one sentence of plain text."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from bgen_core.api.operations import API_PATH
from bgen_core.api.problems import PROBLEM_TYPE, problem_json
from pages._ui.identity.forms import HEADERS


def refusal(scope: Scope, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer in the form that whoever asks at this address reads."""
    if is_of_api(scope):
        return problem(status, sentence, headers)
    return PlainTextResponse(sentence, status, {**HEADERS, **(headers or {})})


def problem(status: int, sentence: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """A sentence as problem details; kept by nobody, since the next answer may be another."""
    said = {"Cache-Control": "no-store", **(headers or {})}
    return Response(problem_json(status, sentence, **more), status, said, media_type=PROBLEM_TYPE)


def is_of_api(scope: Scope) -> bool:
    """Whether a script asks the API."""
    return scope["type"] == "http" and f"{scope['path']}/".startswith(API_PATH)
