"""What doctor and `cluster status` say of what machines share: a sentence each, and nothing is left behind."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bgen_core.cli import command_line
from bgen_core.cluster import examination
from bgen_core.cluster.checks import RAY_VERSION, REQUIREMENTS
from bgen_core.cluster.examination import checks_of
from bgen_core.ids import WorkerId
from bgen_core.jobs.executors.agreement import terms_of
from bgen_core.jobs.watching.findings import Finding, examine
from bgen_core.process_identity import ProcessIdentity
from bgen_core.records.worker import WorkerStatus
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from tests.bucket_server import BUCKET, BucketServer, running_bucket
from tests.store.test_bucket import reached_by

PROJECT = Path(__file__).parents[2]
ELSEWHERE = ProcessIdentity(host="gpu-7 boot 1", pid=42, start=1.0)
AWAY = "127.0.0.1:1"


def findings_of(settings: Settings) -> dict[str, Finding]:
    return {what: examine(what, check, settings) for what, check in checks_of(settings)}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    with running_bucket() as server:
        reached_by(server, monkeypatch)
        yield server


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_laptop_is_asked_nothing_more(settings: Settings) -> None:
    assert checks_of(settings) == []


def test_the_version_is_the_one_that_is_pinned() -> None:
    assert f"ray=={RAY_VERSION}\n" in (PROJECT / REQUIREMENTS).read_text()


@pytest.mark.parametrize(
    ("found", "is_ok", "word"),
    [
        (RAY_VERSION, True, "is installed"),
        ("2.59.1", False, f"ray 2.59.1 is installed, and all machines need {RAY_VERSION}"),
    ],
)
def test_another_ray_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, found: str, is_ok: bool, word: str
) -> None:
    monkeypatch.setattr(examination, "check_ray", lambda: None)
    monkeypatch.setattr(examination, "version", lambda name: found)
    said = findings_of(settings.model_copy(update={"workers": "2"}))["ray"]
    assert (said.ok, word in said.text) == (is_ok, True)


def test_an_address_is_looked_at_and_its_token(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listening: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    away = findings_of(settings.model_copy(update={"ray": AWAY}))
    assert not away["ray address"].ok and f"no Ray answers at {AWAY}" in away["ray address"].text
    assert not away["ray token"].ok and "give BGEN_RAY_TOKEN" in away["ray token"].text
    assert not away["ray"].ok and "they cannot share a SQLite file" in away["ray"].text
    there = findings_of(load_settings(ray=listening, ray_token="a token of sixteen letters"))
    assert there["ray address"].ok and f"answers at {listening}" in there["ray address"].text
    assert there["ray token"].ok
    assert "sixteen" not in there["ray token"].text, "the token itself is told to nobody"


def test_a_token_that_ray_finds_by_itself_is_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    asked = settings.model_copy(update={"ray": AWAY})
    assert not findings_of(asked)["ray token"].ok
    (tmp_path / "token").write_text("a token")
    assert findings_of(asked)["ray token"].ok
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    assert findings_of(asked)["ray token"].text.startswith("RAY_AUTH_TOKEN is set")


@pytest.mark.parametrize("seconds", [-120.0, 120.0])
def test_clocks_two_minutes_apart_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    settings = load_settings(database=f"sqlite:///{tmp_path}/a.sqlite3", blobs="s3://not-asked/for")
    assert findings_of(settings)["clock"].ok
    assert not examination.clock_trouble(settings)
    now = examination.time.time
    monkeypatch.setattr(examination.time, "time", lambda: now() + seconds)
    said = findings_of(settings)["clock"]
    assert not said.ok
    assert re.search(rf"is 1(19|20) s {'ahead of' if seconds > 0 else 'behind'} the database's", said.text)
    assert said.text in examination.clock_trouble(settings), "a painter says it too, of its machine"


def test_a_database_that_takes_no_changes_is_said(empty_postgresql: str) -> None:
    settings = load_settings(database=empty_postgresql)
    assert findings_of(settings)["database"].text.endswith("answers, and holds no store yet")
    open_store(settings).close()
    assert "takes changes, each after" in findings_of(settings)["database"].text
    joint = "&" if "?" in empty_postgresql else "?"
    read_only = load_settings(database=f"{empty_postgresql}{joint}options=-c%20default_transaction_read_only%3Don")
    said = findings_of(read_only)["database"]
    assert not said.ok and "it is read-only" in said.text


@pytest.mark.parametrize(
    ("wrong", "word"),
    [("is_read_only", "cannot be written"), ("is_gone", f"no bucket {BUCKET}"), ("is_away", "check BGEN_BLOBS")],
)
@pytest.mark.s3
def test_a_bucket_that_cannot_be_used_is_said(bucket: BucketServer, wrong: str, word: str) -> None:
    settings = load_settings(blobs=f"s3://{BUCKET}/bgen")
    said = findings_of(settings)["pictures"]
    assert said.ok, said.text
    assert bucket.objects == {}, "nothing is left"
    setattr(bucket, wrong, True)
    said = findings_of(settings)["pictures"]
    assert not said.ok and word in said.text


def test_a_folder_of_pictures_is_left_as_it_was(tmp_path: Path) -> None:
    settings = load_settings(blobs=str(tmp_path / "shared"))
    said = findings_of(settings)["pictures"]
    assert said.ok, said.text
    assert [path for path in (tmp_path / "shared").rglob("*") if path.is_file()] == []


def test_a_models_folder_that_is_missing_here_is_said(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    asked = settings.model_copy(
        update={"workers": "2", "loras": str(tmp_path / "away"), "models_allowed": f"catalogue, {tmp_path}/here/*"}
    )
    said = findings_of(asked)["models here"]
    assert not said.ok and f"not on this machine: {tmp_path}/away (BGEN_LORAS)" in said.text
    (tmp_path / "away").mkdir()
    assert findings_of(asked)["models here"].text == "2 named folders of models are here"


def test_status_says_what_doctor_finds(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BGEN_WORKERS", "2")
    monkeypatch.setenv("BGEN_LORAS", str(tmp_path / "away"))
    asked = load_settings()
    terms = terms_of(asked) | {"version of this program or its libraries": "another"}
    status = WorkerStatus(state="painting", device_kind="cuda", device_name="NVIDIA H200", terms=terms)
    store.workers.beat(WorkerId("other"), "painter", ELSEWHERE, status)
    wrong = [finding.line for finding in findings_of(asked).values() if not finding.ok]
    assert any("this machine and the painter on gpu-7 differ in version of this program" in line for line in wrong)
    assert any("away (BGEN_LORAS)" in line for line in wrong)
    told = CliRunner().invoke(command_line(), ["cluster", "status", "--json"])
    assert set(wrong) <= set(told.stderr.splitlines())
    assert [each["host"] for each in json.loads(told.stdout)] == ["gpu-7"]
