"""The OpenAPI 3.1 document, made from the table of operations and the models that check what comes and goes."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import bgen_core
from bgen_core.api.answers import Problem
from bgen_core.api.operations import JSON_TYPE, OPERATIONS, Operation
from bgen_core.api.problems import PROBLEM_TYPE

_ABOUT = (
    "The sweeps, runs and subjects of one server, for scripts and notebooks. The same limits and rules hold as on the "
    "pages. Errors are problem details (RFC 9457) whose `detail` is one sentence for a person."
)
_REF = "#/components/schemas/{model}"
_SAYS = {
    400: "The address or the body cannot be read.",
    401: "No token, or one that opens nothing.",
    403: "The token's scope, or the person's role, does not allow it.",
    404: "There is no such thing, or it is not this person's to see.",
    409: "It cannot be done as things stand now.",
    413: "More was sent than is allowed.",
    415: "It was sent as another type than is read here.",
    422: "A value is not allowed.",
    429: "One person asks for more than one may have; wait or stop something.",
    503: "The store or what computes cannot be used now, or too many ask; try again.",
    507: "There is no room for more pictures.",
}


def openapi_document(operations: Sequence[Operation] = OPERATIONS) -> dict[str, Any]:
    """The document, ready for JSON. Addresses are relative to the folder in which the app lies."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "bgen", "version": bgen_core.__version__, "description": _ABOUT},
        # Relative to this document's own address: the app need not lie at the root of its host.
        "servers": [{"url": "."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "responses": {_named(status): _problem(sentence) for status, sentence in _SAYS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "A token of a person."}},
        },
    }


def problems_of(operation: Operation) -> tuple[int, ...]:
    """Statuses of the problems that an operation may answer with."""
    found = {400, 401, 403, 429, 503}
    if operation.ids:
        found |= {404}
    if operation.body or operation.form:
        found |= {413, 415, 422}
    if operation.name in ("delete_subject",) or (operation.name.endswith("_sweep") and operation.changes):
        found |= {409}
    if operation.name in ("submit_sweep", "retry_sweep", "finish_sweep", "upload_subject"):
        found |= {507}
    return tuple(sorted(found))


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Needs the scope {'sweep' if operation.changes else 'read'}.",
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {str(operation.status): _answer(operation)}
        | {str(status): {"$ref": f"#/components/responses/{_named(status)}"} for status in problems_of(operation)},
    }
    if operation.body:
        schema = {"$ref": _REF.format(model=operation.body.__name__)}
        required = any(field.is_required() for field in operation.body.model_fields.values())
        described["requestBody"] = {"required": required, "content": {JSON_TYPE: {"schema": schema}}}
    elif operation.form:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _form(operation)}}}
    return described


def _path_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    return ({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in operation.ids)


def _query_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    if operation.query is None:
        return
    for name, schema in operation.query.model_json_schema(ref_template=_REF)["properties"].items():
        described = {"description": schema.pop("description")} if "description" in schema else {}
        yield {"name": name, "in": "query", "required": False, **described, "schema": schema}


def _form(operation: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = (operation.form or BaseModel).model_json_schema(ref_template=_REF)
    files = {name: {"type": "string", "contentMediaType": "application/octet-stream"} for name in operation.files}
    return schema | {"properties": files | schema["properties"], "required": list(operation.files[:1])}


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.status == 204:
        return {"description": "Done."}
    schema: dict[str, Any] = {"type": "string", "contentMediaType": operation.media_type}
    if operation.answer:
        schema = {"$ref": _REF.format(model=operation.answer.__name__)}
    if operation.media_type == "text/event-stream":
        description = "Events, whose `data` each has this shape."
    else:
        description = operation.summary
    return {"description": description, "content": {operation.media_type: {"schema": schema}}}


def _named(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _problem(sentence: str) -> dict[str, Any]:
    return {"description": sentence, "content": {PROBLEM_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}}


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    asked: dict[type[BaseModel], JsonSchemaMode] = {each.body: "validation" for each in operations if each.body}
    given: dict[type[BaseModel], JsonSchemaMode] = {each.answer: "serialization" for each in operations if each.answer}
    _, document = models_json_schema([*asked.items(), *given.items(), (Problem, "serialization")], ref_template=_REF)
    return document["$defs"]
