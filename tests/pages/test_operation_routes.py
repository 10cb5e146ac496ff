"""What programs that watch the server are told, and who may read its figures."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bgen_core.errors import StoreError
from bgen_core.jobs.executors.executor import Health
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings
from bgen_core.store.store import OpenStore, Store
from pages._ui.app import resources
from pages._ui.routes.operation_routes import operation_routes
from tests.made_up import commit, made_up_run, made_up_sweep, run_id
from tests.workers import says

WELL = Health(device_kind="cpu", dtype_name="float32", is_busy=False)
TOKEN = "a token of many letters"
HERE, THERE = ("127.0.0.1", 5), ("203.0.113.9", 5)


@pytest.fixture
def told(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    told = settings.model_copy(update={"metrics_token": Settings(metrics_token=TOKEN).metrics_token})
    monkeypatch.setattr(resources, "settings", lambda: told)
    monkeypatch.setattr(resources, "opened_store", lambda: store)
    return told


@pytest.fixture
def app(store: Store, told: Settings) -> Starlette:
    return Starlette(routes=operation_routes(lambda _: store.seen_by(Visitor(id="ada")), lambda: WELL))


def figures(app: Starlette) -> Iterator[tuple[str, float]]:
    answer = TestClient(app, base_url="http://localhost", client=HERE).get("/metrics")
    assert answer.status_code == 200
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            yield "_".join([sample.name, *sample.labels.values()]), sample.value


def test_figures_say_what_waits_and_what_is_made(app: Starlette, store: Store, told: Settings) -> None:
    commit(store, made_up_run(1))
    store.sweeps.add(made_up_sweep("s", cells=[run_id(1), run_id(2)]), [run_id(1), run_id(2)])
    counts = {"made": 7.0, "failed": 1.0, "faults": 2.0, "rows": 90.0, "gpu_bytes": 8e9, "gpu_used_bytes": 3e9}
    says(store, counts=counts)
    says(store, "another", counts={"made": 1.0})
    found = dict(figures(app))
    assert found["bgen_sweeps_queued"] == 1
    assert found["bgen_cells_waiting"] == 2
    assert found["bgen_oldest_wait_seconds"] > 1000
    assert (found["bgen_cells_total_made"], found["bgen_cells_total_failed"], found["bgen_rows_total"]) == (8, 1, 90)
    assert found["bgen_faults_total_worker"] == 2
    assert found["bgen_gpu_memory_bytes_used"] == 3e9
    assert found["bgen_worker_up"] == found["bgen_store_up"] == 1
    assert min(found[f"bgen_{kept}_bytes"] for kept in ("database", "pictures", "disk_free")) > 0
    assert found["bgen_open_pages"] == 0


def test_figures_tell_painters_apart(app: Starlette, store: Store) -> None:
    here = {"device_name": "NVIDIA H200", "state": "painting", "counts": {"rows_per_second": 120.0, "lost": 2.0}}
    says(store, "one", kind="painter", **here)
    says(store, "a worker that shares nothing")
    found = dict(figures(app))
    assert found["bgen_painters"] == 1
    assert found["bgen_painter_rows_per_second_NVIDIA H200_another:1_painting"] == 120
    assert found["bgen_painter_lost_total_another:1"] == 2


def test_a_store_that_is_away_is_a_figure_too(
    app: Starlette, store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreError("away")

    monkeypatch.setattr(store.sweeps, "queue_left", away)
    found = dict(figures(app))
    assert found["bgen_store_up"] == 0 and "bgen_cells_waiting" not in found


@pytest.mark.parametrize(
    ("client", "host", "headers", "status"),
    [
        (HERE, "localhost", {}, 200),
        (HERE, "127.0.0.1:8501", {}, 200),
        (THERE, "localhost", {}, 403),
        (HERE, "attacker.example.org", {}, 403),
        (HERE, "localhost", {"x-forwarded-for": "203.0.113.9"}, 403),
        (HERE, "localhost", {"forwarded": "for=203.0.113.9"}, 403),
        (THERE, "bgen.example.org", {"authorization": f"Bearer {TOKEN}"}, 200),
        (HERE, "localhost", {"authorization": f"Bearer {TOKEN}", "x-forwarded-for": "203.0.113.9"}, 200),
        (THERE, "bgen.example.org", {"authorization": f"Bearer {TOKEN}x"}, 403),
        (THERE, "bgen.example.org", {"authorization": "Bearer "}, 403),
    ],
)
def test_figures_are_for_this_machine_and_for_who_knows_the_token(
    app: Starlette, client: tuple[str, int], host: str, headers: dict[str, str], status: int
) -> None:
    answer = TestClient(app, base_url=f"http://{host}", client=client).get("/metrics", headers=headers)
    assert answer.status_code == status


def test_ready_says_so_of_store_worker_and_disk(
    app: Starlette, told: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(app)
    assert client.get("/readyz").json() == {"status": "ok", "store": "ok", "worker": "ok", "disk": "ok"}
    monkeypatch.setattr(resources, "settings", lambda: told.model_copy(update={"disk_reserve_mb": 1e12}))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "stay free" in answer.json()["disk"] and str(told.home) not in answer.text
