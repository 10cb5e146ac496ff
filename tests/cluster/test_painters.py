"""What painters must have in common, and what is said before Ray is asked: without Ray."""

import json
import subprocess
import sys
from importlib import util
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from bgen_core.cli import command_line
from bgen_core.cluster import checks
from bgen_core.cluster.checks import check_painters
from bgen_core.cluster.dispatcher import RayLostError, check_nodes, passed_on, wanted_painters
from bgen_core.cluster.measurer import measure_some
from bgen_core.cluster.painter import other_terms
from bgen_core.cluster.ray_library import connected, sentence
from bgen_core.errors import UserInputError
from bgen_core.ids import WorkerId
from bgen_core.jobs.executors.agreement import terms_of
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.watching.painters import members_of
from bgen_core.process_identity import ProcessIdentity
from bgen_core.records.worker import WorkerStatus
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from tests.made_up import commit, made_up_run

ELSEWHERE = ProcessIdentity(host="gpu-7 boot 1", pid=42, start=1.0)
POSTGRESQL = "postgresql://bgen@db/bgen"
VERSIONS_DIFFER = """Version mismatch: The cluster was started with:
    Ray: 2.59.1
    Python: 3.12.4
This process on node 10.0.0.5 was started with:
    Ray: 2.60.0
    Python: 3.11.2
"""


def beat(store: Store, **said: object) -> None:
    status = WorkerStatus(state="painting", device_kind="cuda", device_name="NVIDIA H200", **said)
    store.workers.beat(WorkerId("other"), "painter", ELSEWHERE, status)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        pytest.param({"ray": "10.0.0.5:6379"}, "BGEN_DATABASE=postgresql", id="a file that others cannot reach"),
        pytest.param({"ray": "10.0.0.5:6379", "database": POSTGRESQL}, "BGEN_BLOBS=s3", id="a folder likewise"),
    ],
)
def test_a_store_that_other_machines_cannot_reach_is_refused(said: dict[str, str], word: str) -> None:
    with pytest.raises(UserInputError, match=word):
        check_painters(load_settings(**said))


def test_without_ray_one_sentence_names_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None if name == "ray" else util.find_spec(name))
    check_painters(settings)
    with pytest.raises(UserInputError, match=r"pip install -r requirements-cluster\.txt"):
        check_painters(settings.model_copy(update={"workers": "2"}))


def test_one_worker_needs_no_ray() -> None:
    assert "ray" not in sys.modules


def test_a_dispatcher_loads_no_torch_before_it_starts_painters_again() -> None:
    loaded = "import bgen_core.cluster.dispatch, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "bad"),
    [("workers", "0"), ("workers", "many"), ("ray", "10.0.0.5"), ("ray", "http://x:1"), ("ray_token", "short")],
)
def test_bad_settings_are_refused(name: str, bad: str) -> None:
    with pytest.raises(UserInputError, match=f"BGEN_{name.upper()}"):
        load_settings(**{name: bad})


def test_as_many_painters_as_gpus_or_as_were_asked_for(settings: Settings) -> None:
    asked = settings.model_copy(update={"workers": "16"})
    assert wanted_painters(asked, gpus=3) == 16, "the others wait, and an autoscaler sees them"
    assert wanted_painters(settings.model_copy(update={"workers": "auto"}), gpus=3) == 3
    assert wanted_painters(settings, gpus=0) == 1


def test_a_ray_without_machines_ends_the_dispatcher() -> None:
    check_nodes(SimpleNamespace(nodes=lambda: [{"Alive": False}, {"Alive": True}]))
    with pytest.raises(RayLostError, match="no machine"):
        check_nodes(SimpleNamespace(nodes=lambda: [{"Alive": False}]))


def test_painters_get_settings_and_neither_folders_nor_passwords(settings: Settings) -> None:
    environment = {"BGEN_MODEL": "demo", "BGEN_HOME": "/here", "BGEN_PASSWORD": "secret", "PATH": "/bin"}
    assert passed_on(environment, settings.model_copy(update={"ray": "10.0.0.5:6379"})) == {"BGEN_MODEL": "demo"}
    assert passed_on(environment, settings)["BGEN_HOME"] == str(settings.home), "on this machine all share one"


def test_a_painter_with_other_versions_does_not_work(settings: Settings, store: Store) -> None:
    member = Member(store, "painter", terms=terms_of(settings))
    beat(store, terms=terms_of(settings) | {"BGEN_LORAS": "a folder of that machine"})
    assert other_terms(store, member, settings) == ""
    beat(store, terms=terms_of(settings) | {"version of this program or its libraries": "another"})
    assert "the one on gpu-7 differ in version of this program or its libraries" in other_terms(store, member, settings)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (RuntimeError("Unauthenticated: InvalidAuthToken"), "BGEN_RAY_TOKEN"),
        (
            RuntimeError(VERSIONS_DIFFER),
            "is 2.59.1 on Python 3.12.4, and this machine has 2.60.0 on Python 3.11.2: install",
        ),
        (RuntimeError("Version mismatch"), "of another version, or of another Python"),
        (ConnectionError("Failed to connect to Ray cluster"), "ray start --address=10.0.0.5:6379"),
        (ConnectionError("Failed to connect to Ray cluster"), "BGEN_RAY_TOKEN is the cluster's own"),
    ],
)
def test_what_ray_says_is_one_sentence(error: Exception, word: str, settings: Settings) -> None:
    assert word in str(sentence(error, settings.model_copy(update={"ray": "10.0.0.5:6379"})))


def test_a_head_that_is_away_is_said_at_once(settings: Settings) -> None:
    away = settings.model_copy(update={"ray": "127.0.0.1:1"})
    with pytest.raises(UserInputError, match=r"no Ray answers at 127\.0\.0\.1:1"), connected(away, cpus=1):
        pass


def test_a_run_is_measured_by_one_measurer(settings: Settings, store: Store) -> None:
    record = commit(store, made_up_run())
    with Member(store, "measurer") as first, Member(store, "measurer") as second:
        first.take("measure", [record.id])
        assert measure_some(store, settings, second) == 0
        first.release("measure", [record.id])
        assert measure_some(store, settings, second) == 1
        assert measure_some(store, settings, first) == 0


def test_who_paints_what_is_told(settings: Settings, store: Store) -> None:
    counts = {"rows_per_second": 120.0, "made": 7.0, "lost": 2.0}
    beat(store, sweep_id="abc", counts=counts)
    (member,) = members_of(store)
    assert (member.host, member.device, member.rows_per_second, member.made, member.lost) == (
        "gpu-7",
        "NVIDIA H200",
        120,
        7,
        2,
    )
    told = CliRunner().invoke(command_line(), ["cluster", "status"])
    assert "gpu-7:42  NVIDIA H200  painting  sweep abc  120.0 rows/s  7 cells made  2 lost to others" in told.stdout
    assert (
        json.loads(CliRunner().invoke(command_line(), ["cluster", "status", "--json"]).stdout)[0]["sweep_id"] == "abc"
    )
