"""The client against a real server with the embedded model, by the example of docs/api.md."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgen_core.client import ApiError, Client
from bgen_core.client.connection import Connection
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from bgen_core.subject.samples.samples import SAMPLES
from tests.batch_sizes import BatchSizes
from tests.forking import forked, starting
from tests.made_up import made_up_sweep, run_id
from tests.serving import PROJECT, RunningApp, serve
from tests.waiting import wait_until

EXAMPLE = re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "api.md").read_text(encoding="utf-8"), re.DOTALL)[0]


def command_line(app: RunningApp, *words: str) -> str:
    with forked():
        made = subprocess.run(
            [sys.executable, "-m", "bgen_core", *words],
            env=os.environ | {"BGEN_HOME": str(app.home), "BGEN_PASSWORD": "secret"},
            cwd=PROJECT, capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
    return made.stdout.strip()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, batch_sizes: BatchSizes) -> Iterator[RunningApp]:
    """A server in a folder of its host, which asks for a password."""
    folder = tmp_path_factory.mktemp("api")
    with (
        batch_sizes.known_in(folder / "home"),
        starting(serve(folder, BGEN_PASSWORD="secret", BGEN_PUBLIC_URL="http://127.0.0.1/bgen")) as app,
    ):
        yield app


@pytest.fixture(scope="module")
def token(app: RunningApp) -> str:
    return command_line(app, "tokens", "add", "example", "--scope", "sweep", "--id", "anna", "--person", "Anna")


@pytest.mark.slow
def test_the_example_of_the_documentation_runs(
    app: RunningApp, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BGEN_TOKEN", token)
    (tmp_path / "photo.jpg").write_bytes(SAMPLES[0].read())
    address = f"{app.url}/bgen/"
    assert "http://127.0.0.1:8501" in EXAMPLE
    wait_until(lambda: is_ready(app), "the worker")
    names: dict[str, object] = {}
    exec(compile(EXAMPLE.replace("http://127.0.0.1:8501", address), "docs/api.md", "exec"), names)
    assert capsys.readouterr().out.count("\n") == 6  # two lines of headings, four cells
    assert (tmp_path / "best.png").stat().st_size > 1000
    assert (tmp_path / "runs.csv").read_text(encoding="utf-8-sig").count("\n") == 5
    client: Client = names["client"]  # pyright: ignore[reportAssignmentType]
    assert client.me() == {"id": "anna", "name": "Anna", "role": "member"}
    (sweep,) = client.sweeps()
    handle = client.open_sweep(sweep["id"])
    events = list(handle.events(timeout=60))
    assert [event["event"] for event in events] == ["state", "end"]
    assert len(events[0]["made"]) == 4
    assert [cell["made"] for cell in handle.cells()] == [True] * 4
    rated = client.runs(conditions=["rating:5"])
    assert [run["id"] for run in rated] == [names["best"]["id"]]  # pyright: ignore[reportIndexIssue]
    assert len(client.runs_to_pandas(sweep=sweep["id"])) == 4


@pytest.mark.slow
def test_what_the_server_refuses_is_an_error_with_its_sentence(app: RunningApp, token: str) -> None:
    client = Client(f"{app.url}/bgen", token=token)
    with pytest.raises(ApiError, match="No sweep is called 'nothing'") as refused:
        client.open_sweep("nothing")
    assert refused.value.status == 404
    with pytest.raises(ApiError, match="'stpes' is not known here"):
        client.sweep(subject="a", prompt="b", stpes=3)
    with pytest.raises(ApiError, match="This token is not known here") as wrong:
        Client(f"{app.url}/bgen/", token="bgen_wrong").me()
    assert wrong.value.status == 401


@pytest.mark.slow
def test_a_revoked_token_opens_nothing_at_once(app: RunningApp) -> None:
    made = json.loads(command_line(app, "tokens", "add", "short", "--id", "boris", "--json"))
    client = Client(f"{app.url}/bgen/", token=made["token"])
    assert client.me()["role"] == "viewer"
    with pytest.raises(ApiError, match="scope read"):
        client.sweep(subject="a", prompt="b")
    command_line(app, "tokens", "revoke", made["id"])
    with pytest.raises(ApiError, match="not known here"):
        client.me()


def is_ready(app: RunningApp) -> bool:
    try:
        with urllib.request.urlopen(f"{app.url}/readyz", timeout=20) as answer:
            return answer.status == 200
    except OSError:  # it says that it is not
        return False


@pytest.mark.slow
def test_a_server_that_shall_stop_does_not_wait_for_streams(tmp_path: Path) -> None:
    with starting(serve(tmp_path)) as app:  # which ends it, and does not wait for long
        with open_store(load_settings(home=app.home)) as store:
            store.sweeps.add(made_up_sweep("sweep-1", state="paused", total=1), [run_id(1)])
        events = Client(app.url, token="").open_sweep("sweep-1").events()
        assert next(events)["event"] == "state"
        began = app.process
    assert began.returncode is not None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host/", "is no address of a server"),
        ("host", "is no address of a server"),
        ("http://", "is no address of a server"),
        ("http://[::1", "is no address of a server"),
        ("http://host:abc/", "is no address of a server"),
        ("http://127.0.0.1:9/", "does not answer"),
    ],
)
def test_a_server_that_is_none_is_one_sentence(url: str, said: str) -> None:
    with pytest.raises(ApiError, match=said) as refused:
        Client(url, token="").me()
    assert refused.value.status == 0


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://host", "http://host/"),
        ("http://host:80/a b/gr\u00fcn", "http://host:80/a%20b/gr%C3%BCn/"),
        ("https://host/gr%C3%BCn//", "https://host/gr%C3%BCn/"),
    ],
)
def test_an_address_is_asked_as_requests_can_name_it(url: str, asked: str) -> None:
    assert Connection(url, "", 1.0).url == asked


@pytest.mark.parametrize("token", ["bgen_\u65e5", "bgen_a\r\nX: y"])
def test_a_token_that_is_none_is_one_sentence_without_it(token: str) -> None:
    with pytest.raises(ApiError, match=r"^The token holds letters that no token has: copy it anew\.$"):
        Client("http://127.0.0.1:9", token=token)


def test_the_client_takes_neither_streamlit_nor_torch_nor_pandas() -> None:
    never = ("streamlit", "torch", "pandas", "PIL", "sqlalchemy", "pydantic")
    code = f"import sys, bgen_core.client; print([name for name in {never} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
