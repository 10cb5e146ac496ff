"""Each request has an id: in its answer, and in what is logged meanwhile."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from bgen_core.json_log import REQUEST
from pages._ui.app.request_log import RequestLog


def told(request: Request) -> Response:
    return PlainTextResponse(REQUEST.get())


CLIENT = TestClient(Starlette(routes=[Route("/told", told)], middleware=[Middleware(RequestLog)]))


@pytest.mark.parametrize(
    ("given", "is_taken"), [("proxys-own-id", True), ("", False), ("a b", False), ("x" * 99, False)]
)
def test_the_id_of_a_proxy_is_taken_over_where_it_is_one(given: str, is_taken: bool) -> None:
    answer = CLIENT.get("/told", headers={"X-Request-Id": given} if given else {})
    assert answer.text == answer.headers["x-request-id"]
    assert (answer.text == given) is is_taken
    assert len(answer.text) >= 8


def test_a_request_is_logged_without_what_is_asked(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bgen.requests"):
        CLIENT.get("/told?prompt=secret")
        CLIENT.get("/nothing%0A")
    first, second = (record for record in caplog.records if record.name == "bgen.requests")
    assert (first.path, first.status) == ("/told", 200)  # type: ignore[attr-defined]
    assert second.status == 404  # type: ignore[attr-defined]
    assert "secret" not in caplog.text
