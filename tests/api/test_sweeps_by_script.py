"""What a script does with sweeps and runs; every answer has the shape that the OpenAPI document says."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from bgen_core.api.openapi import openapi_document
from bgen_core.jobs.running.picture_reading import PictureReading
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from pages._ui.app import resources
from tests.api.scripts import ANNA, BORIS, bearer, token, with_token
from tests.made_up import commit, made_up_run, made_up_subject
from tests.tiny_clip import saved_clip
from tests.workers import forget

DOCUMENT = openapi_document()


def shaped(name: str, content: Any) -> Any:
    """The content itself, when it has this shape."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(content)
    return content


@pytest.fixture
def client(served: TestClient, store: Store, worker: None) -> TestClient:
    return with_token(served, token(store))


@pytest.fixture
def subject(store: Store) -> str:
    return store.subjects.save(made_up_subject(), {})


def plan(subject: str, **more: Any) -> dict[str, Any]:
    return {"subject": subject, "prompt": "a beach", "steps": [10, 20], "seed": "1,2", **more}


def submitted(client: TestClient, subject: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/sweeps", json=plan(subject, **more))
    assert answer.status_code == 201, answer.text
    return shaped("SweepStatus", answer.json())


def test_a_forecast_makes_nothing_and_a_sweep_is_what_it_said(client: TestClient, store: Store, subject: str) -> None:
    forecast = shaped("Forecast", client.post("/api/v1/sweeps/forecast", json=plan(subject)).json())
    assert (forecast["cells"], forecast["known"], forecast["to_make"]) == (4, 0, 4)
    assert store.sweeps.select() == []
    sweep = submitted(client, subject)
    assert (sweep["state"], sweep["cells"], sweep["is_mine"], sweep["made"]) == ("queued", 4, True, 0)
    assert sweep["plan"] == forecast["plan"]
    assert store.sweeps.get(sweep["id"]).owner == ANNA


def test_a_number_means_the_same_however_small_or_large_it_is(client: TestClient, subject: str) -> None:
    asked = plan(subject, steps=4, seed=[2**53], edge_softness=[1e-05, 0.25], guidance=[1.0, 3])
    answer = client.post("/api/v1/sweeps/forecast", json=asked)
    assert answer.status_code == 200, answer.text
    said = answer.json()["plan"]
    axes = {axis["name"]: axis["values"] for axis in said["axes"]}
    assert axes == {"edge-softness": [1e-05, 0.25], "guidance": [1.0, 3.0]}
    assert said["base"]["seed"] == 2**53


def test_seeds_that_are_drawn_are_named(client: TestClient, subject: str) -> None:
    sweep = submitted(client, subject, seed="random 3")
    (seeds,) = [axis["values"] for axis in sweep["plan"]["axes"] if axis["name"] == "seed"]
    assert len(set(seeds)) == 3


def test_cells_that_are_drawn_again_tell_their_attempts(client: TestClient, store: Store, subject: str) -> None:
    sweep = submitted(client, subject, seed=1, steps=10, max_expansion=2.5, attempts=3)
    assert sweep["plan"]["redraw"] == {"max_expansion": 2.5, "attempts": 3}
    (row,) = store.sweeps.cells(sweep["id"])
    following = "f" * 64
    assert store.attempts.decide(sweep["id"], 0, run_id=row.run_id, expansion=4.0, following=following)
    (cell,) = shaped("Cells", client.get(f"/api/v1/sweeps/{sweep['id']}/cells").json())["cells"]
    assert cell["attempts"] == [{"run": row.run_id, "expansion": 4.0}, {"run": following, "expansion": None}]
    assert (cell["run"], cell["final"]) == (row.run_id, False)


def test_cells_can_be_stopped_early_and_the_forecast_says_what_kept_runs_allow(
    client: TestClient, store: Store, subject: str
) -> None:
    asked = plan(subject, stop_early="seam")
    forecast = shaped("Forecast", client.post("/api/v1/sweeps/forecast", json=asked).json())
    assert any("0 kept runs of the" in note and "nothing is stopped" in note for note in forecast["notes"])
    sweep = submitted(client, subject, stop_early="seam")
    assert sweep["early"]["by"] == "seam"
    wish = store.sweeps.get(sweep["id"]).early
    assert wish is not None and wish.stops
    kept = submitted(client, subject, keep_previews="seam")
    wish = store.sweeps.get(kept["id"]).early
    assert wish is not None and not wish.stops


def test_cells_are_in_the_order_of_the_plan(client: TestClient, subject: str) -> None:
    sweep = submitted(client, subject)
    cells = shaped("Cells", client.get(f"/api/v1/sweeps/{sweep['id']}/cells").json())["cells"]
    assert [cell["index"] for cell in cells] == [0, 1, 2, 3]
    told = [(cell["params"]["num_inference_steps"], cell["params"]["seed"], cell["made"]) for cell in cells]
    assert told == [(10, 1, False), (10, 2, False), (20, 1, False), (20, 2, False)]


def test_a_sweep_is_stopped_continued_and_tried_again_once(client: TestClient, subject: str) -> None:
    sweep = submitted(client, subject)
    states: list[tuple[str, int, str]] = []
    for act in ("pause", "pause", "continue", "continue", "retry", "cancel", "cancel", "pause", "retry"):
        answer = client.post(f"/api/v1/sweeps/{sweep['id']}/{act}")
        states.append((act, answer.status_code, answer.json().get("state", "")))
    assert states == [
        ("pause", 200, "paused"),
        ("pause", 409, ""),
        ("continue", 200, "queued"),
        ("continue", 409, ""),
        ("retry", 409, ""),
        ("cancel", 200, "cancelled"),
        ("cancel", 409, ""),
        ("pause", 409, ""),
        ("retry", 200, "queued"),
    ]


def test_the_list_is_the_persons_own_newest_first(client: TestClient, store: Store, subject: str) -> None:
    mine = [submitted(client, subject, seed=seed)["id"] for seed in (1, 2, 3)]
    others = client.post("/api/v1/sweeps", json=plan(subject), headers=bearer(token(store, person=BORIS)))
    found = shaped("Sweeps", client.get("/api/v1/sweeps").json())
    assert (found["total"], [each["id"] for each in found["sweeps"]]) == (3, mine[::-1])
    part = client.get("/api/v1/sweeps?limit=1&offset=1").json()
    assert (part["total"], [each["id"] for each in part["sweeps"]]) == (3, [mine[1]])
    everything = client.get("/api/v1/sweeps?whose=all").json()["sweeps"]
    assert {each["id"]: each["is_mine"] for each in everything} == dict.fromkeys(mine, True) | {
        others.json()["id"]: False
    }


def test_what_is_private_is_not_there_for_others(client: TestClient, store: Store, subject: str) -> None:
    sweep = submitted(client, subject, sharing="private")
    assert sweep["sharing"] == "private"
    others = bearer(token(store, person=BORIS))
    for method, path in (
        ("GET", ""), ("GET", "/cells"), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry"),
        ("POST", "/pause"), ("POST", "/continue"),
    ):  # fmt: skip
        assert client.request(method, f"/api/v1/sweeps/{sweep['id']}{path}", headers=others).status_code == 404
    assert client.get("/api/v1/sweeps?whose=all", headers=others).json()["total"] == 0
    told = client.post(f"/api/v1/sweeps/{sweep['id']}/share", json={"sharing": "shared"})
    assert told.json()["sharing"] == "shared"
    assert client.get(f"/api/v1/sweeps/{sweep['id']}", headers=others).json()["is_mine"] is False
    for act in ("cancel", "pause", "share"):
        body = {"sharing": "private"} if act == "share" else {}
        refused = client.post(f"/api/v1/sweeps/{sweep['id']}/{act}", json=body, headers=others)
        assert refused.status_code == 403, refused.text
    admin = bearer(token(store, person=BORIS, role="admin"))
    assert client.post(f"/api/v1/sweeps/{sweep['id']}/cancel", headers=admin).json()["state"] == "cancelled"


def test_a_sweep_begins_as_the_server_shares_them(
    client: TestClient, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BGEN_SHARING", "private")
    resources.opened_store().close()
    resources.opened_store.clear()
    resources.settings.clear()
    assert submitted(client, subject)["sharing"] == "private"


def test_an_explored_sweep_is_finished_as_another(client: TestClient, subject: str) -> None:
    explored = submitted(client, subject, explore_steps=4)
    assert explored["cells"] == 2  # the axis of steps is folded away
    answer = client.post(f"/api/v1/sweeps/{explored['id']}/finish", json={"cells": [1.0], "steps": [10, 20]})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["cells"], answer.json()["explored"]) == (2, explored["id"])
    wrong = client.post(f"/api/v1/sweeps/{explored['id']}/finish", json={"cells": [7], "steps": 10})
    assert wrong.status_code == 422


def test_while_nothing_computes_a_script_is_told_to_come_again(client: TestClient, store: Store, subject: str) -> None:
    forget(store)
    answer = client.post("/api/v1/sweeps", json=plan(subject))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


@pytest.mark.parametrize(
    ("limits", "status", "said"),
    [
        ({"max_queued_cells_each": 5}, 429, "Your sweeps have 4 cells to make"),
        ({"max_queued_cells": 5}, 503, "All sweeps have 4 cells to make"),
        ({"max_cells": 3}, 422, "at most 3 are allowed"),
        ({"disk_reserve_mb": 1e12}, 507, "stay free"),
        ({"models_allowed": "other/model", "model": "other/model"}, 422, "cannot be used on this server"),
    ],
)
def test_the_limits_are_those_of_the_pages(
    client: TestClient,
    subject: str,
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, Any],
    status: int,
    said: str,
) -> None:
    submitted(client, subject)
    for name, value in limits.items():
        monkeypatch.setenv(f"BGEN_{name.upper()}", str(value))
    resources.settings.clear()
    answer = client.post("/api/v1/sweeps", json=plan(subject, seed="8,9", model="demo"))
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert str(load_settings().home) not in answer.text


def test_runs_are_found_as_on_the_compare_page_and_kept_as_files(client: TestClient, store: Store) -> None:
    runs = [commit(store, made_up_run(number, params={"guidance_scale": number + 1.0})) for number in range(4)]
    found = shaped("Runs", client.get("/api/v1/runs?f=guidance_scale:2..3&sort=-guidance_scale").json())
    assert [run["id"] for run in found["runs"]] == [runs[2].id, runs[1].id]
    part = client.get("/api/v1/runs?limit=1&offset=1").json()
    assert (part["total"], [run["id"] for run in part["runs"]]) == (4, [runs[2].id])
    one = shaped("Run", client.get(f"/api/v1/runs/{runs[0].id[:12]}").json())
    assert client.get("/" + one["picture"]).content == store.blobs.get(runs[0].image)
    assert client.get("/" + one["thumbnail"]).headers["content-type"] == "image/webp"
    for suffix in ("csv", "json", "parquet", "zip"):
        saved = client.get(f"/api/v1/export/runs.{suffix}?ids={runs[0].id}")
        assert (saved.status_code, len(saved.content) > 100) == (200, True)
    assert [each["id"] for each in client.get(f"/api/v1/export/runs.json?ids={runs[0].id}").json()] == [runs[0].id]


def test_an_opinion_is_changed_in_what_is_said_alone(client: TestClient, store: Store) -> None:
    run = commit(store, made_up_run(1))
    address = f"/api/v1/runs/{run.id}/opinion"
    client.patch(address, json={"rating": 4, "tags": ["b", "a"]})
    told = shaped("Run", client.patch(address, json={"notes": "soft light"}).json())
    assert (told["rating"], told["notes"], told["tags"]) == (4, "soft light", ["a", "b"])
    assert client.patch(address, json={"rating": 3.0}).json()["rating"] == 3  # as a table with gaps writes it
    assert client.patch(address, json={"rating": None}).json()["rating"] is None


def test_a_subject_that_a_sweep_needs_stays(client: TestClient, subject: str) -> None:
    sweep = submitted(client, subject)
    assert client.delete(f"/api/v1/subjects/{subject}").status_code == 409
    client.post(f"/api/v1/sweeps/{sweep['id']}/cancel")
    assert client.delete(f"/api/v1/subjects/{subject}").status_code == 204
    assert client.get(f"/api/v1/subjects/{subject}").status_code == 404


def test_a_store_that_is_away_is_said_without_its_address(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bgen_core.errors import StoreError

    def away(request: object) -> None:
        raise StoreError(f"The database in {settings.home} does not answer.", public="Away.")

    monkeypatch.setattr("bgen_core.store.sweeps.Sweeps.select", away)
    monkeypatch.setattr("bgen_core.store.sweeps.Sweeps.select", lambda *given, **named: away(None))
    answer = client.get("/api/v1/sweeps")
    assert (answer.status_code, answer.json()["detail"]) == (503, "Away.")


def test_a_bug_is_quiet_to_scripts(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object, **named: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("bgen_core.store.sweeps.Sweeps.select", broken)
    answer = client.get("/api/v1/sweeps")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["title"] == "Internal Server Error"


def test_runs_are_found_by_meaning_where_there_is_a_clip_model(
    client: TestClient, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(3)]
    refused = client.get("/api/v1/runs", params={"meaning": "a beach"})
    assert refused.status_code == 422, refused.text
    assert "No CLIP model is set" in refused.json()["detail"]
    assert client.get("/api/v1/runs", params={"like": "f" * 12}).status_code == 404
    monkeypatch.setenv("BGEN_CLIP_MODEL", str(saved_clip(tmp_path / "clip")))
    PictureReading(store, load_settings(device="cpu")).read_some()
    resources.settings.clear()
    found = shaped("Runs", client.get("/api/v1/runs", params={"like": runs[1].id}).json())["runs"]
    values = [run["metrics"]["likeness"]["value"] for run in found]
    assert found[0]["id"] == runs[1].id
    assert values == sorted(values, reverse=True)
    assert found[0]["metrics"]["likeness"]["reason"].startswith(f"Like run {runs[1].id[:12]}, by ")
