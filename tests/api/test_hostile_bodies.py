"""What strangers send: refused in a sentence with the right status, and nothing is made.

So one server and one store do for all of a kind: starting them takes ten times as long as an answer.
"""

import json

import pytest
from starlette.testclient import TestClient

from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.api.scripts import token, with_token
from tests.made_up import commit, made_up_run, made_up_subject

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(served: TestClient, store: Store, worker: None) -> TestClient:
    store.subjects.save(made_up_subject(), {})
    return with_token(served, token(store))


SUBJECT = made_up_subject().id


# Body, status, what is said.
NO_PLANS: list[tuple[object, int, str]] = [
    (b"", 422, "subject is missing"),
    (b"{", 400, "not JSON"),
    (b"\xff\xfe\x00", 400, "not JSON"),
    (b"[" * 100_000, 400, "not JSON"),
    (b'{"subject":' + b'{"a":' * 5000 + b"1" + b"}" * 5001, 400, "not JSON"),
    (b"[]", 422, "send one object"),
    (b"null", 422, "send one object"),
    (b'"text"', 422, "send one object"),
    ({"prompt": "a"}, 422, "subject is missing"),
    ({"subject": SUBJECT}, 422, "The prompt is empty"),
    ({"subject": "nobody's", "prompt": "a"}, 422, "No saved subject"),
    ({"subject": [], "prompt": "a"}, 422, "subject"),
    ({"subject": {"$ne": 1}, "prompt": "a"}, 422, "subject"),
    ({"subject": SUBJECT, "prompt": "a", "stpes": 1}, 422, "'stpes' is not known here"),
    ({"subject": SUBJECT, "prompt": "a", "steps": True}, 422, "steps true is not allowed"),
    ({"subject": SUBJECT, "prompt": "a", "steps": None}, 201, ""),
    ({"subject": SUBJECT, "prompt": "a", "steps": {}}, 422, "steps"),
    ({"subject": SUBJECT, "prompt": "a", "steps": "1..1000000000"}, 422, ""),
    ({"subject": SUBJECT, "prompt": "a", "steps": 10**400}, 422, "steps"),
    ({"subject": SUBJECT, "prompt": "a", "steps": [[1]]}, 422, "steps"),
    ({"subject": SUBJECT, "prompt": "a", "steps": "0"}, 422, ""),
    ({"subject": SUBJECT, "prompt": "a", "guidance": -1e308}, 422, ""),
    (f'{{"subject":"{SUBJECT}","prompt":"a","guidance":NaN}}'.encode(), 422, "guidance"),
    (f'{{"subject":"{SUBJECT}","prompt":"a","guidance":1e999}}'.encode(), 422, "guidance"),
    ({"subject": SUBJECT, "prompt": "a" * 20_001}, 422, "prompt"),
    ({"subject": SUBJECT, "prompt": "a\0b"}, 422, "zero byte"),
    (f'{{"subject":"{SUBJECT}","prompt":"\\ud800"}}'.encode(), 400, "not JSON"),
    (f'{{"subject":"{SUBJECT}","prompt":"a","prompt":"b"}}'.encode(), 400, "prompt is given 2 times: give it once"),
    ({"subject": SUBJECT, "prompt": "a", "seed": list(range(10_001))}, 422, "seed"),
    ({"subject": SUBJECT, "prompt": "a", "seed": "1..200", "steps": "1..100"}, 422, "at most 10,000 are allowed"),
    ({"subject": SUBJECT, "prompt": "a", "model": "/etc"}, 422, "cannot be used on this server"),
    ({"subject": SUBJECT, "prompt": "a", "model": "../../etc/passwd"}, 422, "cannot be used on this server"),
    ({"subject": SUBJECT, "prompt": "a", "model": "somebody/anything"}, 422, "cannot be used on this server"),
    ({"subject": SUBJECT, "prompt": "a", "reference": "/etc/passwd"}, 422, "reference"),
    ({"subject": SUBJECT, "prompt": "a", "explore_steps": 0}, 422, "explore_steps"),
    ({"subject": SUBJECT, "prompt": "a", "explore_steps": "7"}, 422, "explore_steps"),
    ({"subject": SUBJECT, "prompt": "a", "max_expansion": "3"}, 422, "max_expansion"),
    ({"subject": SUBJECT, "prompt": "a", "max_expansion": -1}, 422, "choose 0 to 100 %"),
    ({"subject": SUBJECT, "prompt": "a", "max_expansion": 3, "attempts": 10**30}, 422, "choose 2 to 16"),
    ({"subject": SUBJECT, "prompt": "a", "attempts": 3}, 422, "need a largest expansion"),
    ({"subject": SUBJECT, "prompt": "a", "max_expansion": 3, "explore_steps": 2}, 422, "do not go together"),
    ({"subject": SUBJECT, "prompt": "a", "stop_early": "beauty"}, 422, "cannot be taken from a preview"),
    ({"subject": SUBJECT, "prompt": "a", "stop_early": ""}, 422, "cannot be taken from a preview"),
    ({"subject": SUBJECT, "prompt": "a", "stop_early": "seam", "keep_previews": "seam"}, 422, "do not go together"),
    ({"subject": SUBJECT, "prompt": "a", "stop_early": "seam", "max_expansion": 3}, 422, "do not go together"),
    ({"subject": SUBJECT, "prompt": "a", "pair": "steps+nothing"}, 422, ""),
    ({"subject": SUBJECT, "prompt": "a", "replace": ["x, y"] * 50}, 422, "replacements"),
    (b" " * 1_000_001, 413, "MB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize("path", ["/api/v1/sweeps", "/api/v1/sweeps/forecast"])
def test_a_plan_that_is_none(client: TestClient, store: Store, path: str) -> None:
    for body, status, said in NO_PLANS:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        before = store.sweeps.select()
        answer = client.post(path, content=content, headers=JSON)
        shown = (content[:200], answer.text)
        expected = 200 if status == 201 and path.endswith("forecast") else status
        assert answer.status_code == expected, shown
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json", shown
            assert said in answer.json()["detail"], shown
            assert len(answer.json()["detail"]) < 1500, shown
            assert store.sweeps.select() == before, shown


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_read_as_json(client: TestClient, kind: str) -> None:
    answer = client.post("/api/v1/sweeps", content=b'{"subject":"a"}', headers={"Content-Type": kind})
    assert answer.status_code == 415


def test_a_page_of_another_site_can_send_no_form_that_is_taken(client: TestClient) -> None:
    assert client.post("/api/v1/subjects", data={"photo": "x"}).status_code == 415


SWEEP_QUERIES = [
    ("limit=0", 400),
    ("limit=201", 400),
    ("limit=ten", 400),
    ("limit=1&limit=2", 400),
    ("offset=-1", 400),
    ("offset=99999999999999999999", 400),
    ("whose=boss", 400),
    ("state=unknown", 400),
    ("owner=boris", 400),
    ("state=queued&offset=5", 200),
]


def test_what_is_asked_of_the_list_of_sweeps(client: TestClient) -> None:
    for query, status in SWEEP_QUERIES:
        assert client.get(f"/api/v1/sweeps?{query}").status_code == status, query


RUN_QUERIES = [
    ("f=nothing:1", 400),
    ("f=guidance_scale:x", 400),
    ("sort=nothing", 400),
    ("sweep=nothing", 404),
    ("ids=00000000", 404),
    ("ids=nothing", 404),
    ("ids=,", 400),
    ("f=guidance_scale:3..8&f=model:demo&q=beach&sort=-seed", 200),
]


def test_what_is_asked_of_the_runs(client: TestClient) -> None:
    for query, status in RUN_QUERIES:
        answer = client.get(f"/api/v1/runs?{query}")
        assert answer.status_code == status, (query, answer.text)
        exported = client.get(f"/api/v1/export/runs.csv?{query}")
        # no run passes: there is nothing to save
        assert exported.status_code == (status if status != 200 else 400), query
        assert exported.headers["content-type"] == "application/problem+json", query


NO_OPINIONS: list[tuple[object, str]] = [
    ({}, "Nothing is said of the run"),
    ({"rating": 6}, "rating"),
    ({"rating": "5"}, "rating"),
    ({"rating": 4.5}, "rating 4.5 is not allowed"),
    ({"rating": True}, "rating"),
    ({"notes": None}, "notes"),
    ({"notes": "a\0"}, "zero byte"),
    ({"tags": "one"}, "tags"),
    ({"tags": ["a,b"]}, "no comma"),
    ({"tags": ["x" * 41]}, "40 letters"),
    ({"tags": ["x"] * 101}, "tags"),
    ({"rating": 3, "notes": "new", "tags": ["a,b"]}, "no comma"),
    ({"rating": 3, "notes": "a\0", "tags": ["new"]}, "zero byte"),
    ({"votes": 1}, "'votes' is not known here"),
]


def test_an_opinion_that_is_none(client: TestClient, store: Store) -> None:
    run = commit(store, made_up_run(1))
    for change, said in NO_OPINIONS:
        answer = client.patch(f"/api/v1/runs/{run.id}/opinion", json=change)
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True), (change, answer.text)
        assert store.opinions.of([run.id]) == {}, change


def test_a_name_where_nothing_is_asked_for(client: TestClient) -> None:
    answer = client.post("/api/v1/sweeps/one/pause", json={"votes": 1})
    assert (answer.status_code, answer.json()["detail"]) == (422, "'votes' is not known here: nothing is asked for.")


def test_a_body_without_a_length_is_counted_while_it_comes(client: TestClient) -> None:
    pieces = (b" " * 100_000 for _ in range(20))
    answer = client.post("/api/v1/sweeps", content=pieces, headers=JSON)
    assert answer.status_code == 413


def test_an_upload_beyond_the_limit_is_not_read(client: TestClient, settings: Settings) -> None:
    too_much = round(2 * settings.max_upload_mb * 1e6) + 100_000
    answer = client.post(
        "/api/v1/subjects",
        content=b"x",
        headers={"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(too_much)},
    )
    assert answer.status_code == 413


NO_ADDRESSES = [
    ("GET", "/api", 404),
    ("GET", "/api/", 404),
    ("GET", "/api/v1", 404),
    ("GET", "/api/v2/me", 404),
    ("GET", "/api/v1/nothing", 404),
    ("GET", "/api/v1/me/", 404),
    ("PUT", "/api/v1/me", 405),
    ("DELETE", "/api/v1/sweeps", 405),
    ("GET", "/api/v1/sweeps/forecast", 404),
    ("TRACE", "/api/v1/me", 405),
    ("OPTIONS", "/api/v1/me", 405),
]


def test_an_address_that_is_none(client: TestClient) -> None:
    for method, path, status in NO_ADDRESSES:
        answer = client.request(method, path)
        assert answer.status_code == status, (method, path)
        assert answer.headers["content-type"] == "application/problem+json", (method, path)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v1/me", {"GET", "HEAD"}),
        ("/api/v1/sweeps", {"GET", "HEAD", "POST"}),
        (f"/api/v1/subjects/{'0' * 64}", {"GET", "HEAD", "DELETE"}),
        ("/api/v1/sweeps/forecast", {"GET", "HEAD", "POST"}),  # as the sweep of that id, which there is not
        ("/api/v1/openapi.json", {"GET", "HEAD"}),
    ],
)
def test_a_refused_method_tells_of_all_that_the_address_takes(client: TestClient, path: str, methods: set[str]) -> None:
    answer = client.request("PUT", path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == methods
    assert all(method in answer.json()["detail"] for method in methods)
