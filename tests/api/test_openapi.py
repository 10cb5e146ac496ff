"""The document and the routes are one thing."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from bgen_core.api.openapi import openapi_document
from bgen_core.api.operations import OPERATIONS
from bgen_core.parameters import PARAMETERS
from bgen_core.store.store import Store
from bgen_core.subject.edit import QUALITIES
from pages._ui.routes.api.mounted import ANSWERING
from tests.api.scripts import token, with_token

DOCUMENT = openapi_document()


def test_it_is_served_as_it_is_made(store: Store, served: TestClient) -> None:
    assert with_token(served, token(store, "read")).get("/api/v1/openapi.json").json() == DOCUMENT


def test_every_operation_is_answered_and_described_once() -> None:
    described = [each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()]
    assert sorted(described) == sorted(operation.name for operation in OPERATIONS)
    assert {*ANSWERING, "follow_sweep", "export_runs"} == {operation.name for operation in OPERATIONS}


def test_every_parameter_of_runs_can_be_sent() -> None:
    assert {each.option for each in PARAMETERS} <= set(DOCUMENT["components"]["schemas"]["SweepRequest"]["properties"])


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set[str]()
        return own.union(*map(_references, node.values()))
    return set[str]().union(*map(_references, node)) if isinstance(node, list) else set()


def test_what_it_refers_to_is_in_it() -> None:
    for reference in _references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_each_shape_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_an_upload_may_ask_for_every_quality() -> None:
    form = DOCUMENT["paths"]["/subjects"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["quality"]["enum"] == list(QUALITIES)
