"""The badge at the top of each page: what paints, and where several do, which of them paints what."""

from streamlit.testing.v1 import AppTest

from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.made_up import made_up_sweep
from tests.workers import says


def page() -> None:
    from bgen_core.jobs.executors.local import LocalExecutor
    from bgen_core.records.visitor import Visitor
    from bgen_core.settings import load_settings
    from bgen_core.store.store import open_store
    from pages._ui.app.status import show_status

    store = open_store(load_settings()).seen_by(Visitor(id="visitor"))
    show_status("demo", LocalExecutor(store, load_settings()), store)


def test_painters_are_counted_and_told_apart(settings: Settings, store: Store) -> None:
    store.sweeps.add(made_up_sweep("shared", title="steps × *guidance*", state="running"), [])
    hidden = made_up_sweep("private", title="nobody's business", owner="somebody", sharing="private", state="running")
    store.sweeps.add(hidden, [])
    speed = {"counts": {"rows_per_second": 118.26}}
    says(store, "1", kind="painter", device_name="NVIDIA H200", device_kind="cuda", sweep_id="shared", **speed)
    says(store, "2", kind="painter", device_name="NVIDIA L4", device_kind="cuda", sweep_id="private")
    says(store, "3", kind="painter", device_name="NVIDIA L4", device_kind="cuda")
    badge = AppTest.from_function(page, default_timeout=60).run().markdown[0]
    assert "demo · 3 × cuda · painting" in badge.value
    assert "- NVIDIA H200: steps × \\*guidance\\*, 118 rows/s" in badge.help
    assert "- NVIDIA L4: somebody's sweep" in badge.help
    assert "- NVIDIA L4: nothing" in badge.help


def test_one_worker_is_told_as_ever(settings: Settings, store: Store) -> None:
    says(store)
    badge = AppTest.from_function(page, default_timeout=60).run().markdown[0]
    assert "demo · cpu · idle" in badge.value
    assert not badge.help
