import json
from pathlib import Path

import pytest

from bgen_core.store.store import Store
from tests.cli.calling import Call
from tests.made_up import commit, made_up_run
from tests.tiny_clip import saved_clip


def test_runs_are_listed_by_meaning_once_their_pictures_are_read(
    call: Call, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = call("metrics", "read-pictures")
    assert refused.returncode != 0
    assert "No picture can be read. No CLIP model is set: BGEN_CLIP_MODEL." in refused.stderr
    monkeypatch.setenv("BGEN_CLIP_MODEL", str(saved_clip(tmp_path / "clip")))
    runs = [commit(store, made_up_run(number)) for number in range(6)]
    unread = call("runs", "--meaning", "a beach", "--json")
    assert {run["likeness"] for run in json.loads(unread.stdout)} == {None}
    assert "has read 0 of 6 pictures so far" in unread.stderr
    assert "metrics read-pictures` reads them now" in unread.stderr
    assert json.loads(call("metrics", "read-pictures", "--json").stdout) == {"pictures": 6}
    found = json.loads(call("runs", "--meaning", "a beach", "--less", "a red room", "--json").stdout)
    values = [run["likeness"] for run in found]
    assert values == sorted(values, reverse=True)
    assert {run["id"] for run in found} == {run.id for run in runs}
    (like,) = json.loads(call("runs", "--like", runs[0].id[:12], "--limit", "1", "--json").stdout)
    assert (like["id"], like["likeness"]) == (runs[0].id, pytest.approx(1))
