"""Any text that may be kept comes back as it was: through form and plan, a PNG, the table as CSV, and a ZIP."""

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.models.catalogue import describe_model
from bgen_core.parameters import PARAMETERS
from bgen_core.records.png_text import read_record
from bgen_core.runs.export import runs_csv
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.sweep.sweep_form import form_of, read_plan
from tests.made_up import commit, made_up_run

ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
ANY_PROMPT = ANY_TEXT.filter(str.strip)
STRANGE = (
    "a | b",
    "a\nb",
    " a ",
    "\\n",
    "\ra\r\n",
    '"a, b"',
    "\u2028a\x85",
    "=1+1",
    "'=1",
    "NA",
    "Steps: 1, a: 2, b: 3",
)


def through_form(plan: SweepPlan) -> SweepPlan:
    filled = form_of(plan)
    held = {parameter.name: filled[parameter.key] for parameter in PARAMETERS} | {
        "replace": filled["replace"],
        "pair": filled["pair"],
        "explore": "",
        "redraw": filled["redraw"],
        "attempts": filled["attempts"],
    }
    texts = {name: text if isinstance(text, str) else ",".join(text) for name, text in held.items()}
    return replace(read_plan([describe_model("demo")], [], texts), subject_id=plan.subject_id)


@pytest.mark.slow
@given(prompts=st.lists(ANY_PROMPT, min_size=1, unique=True), negatives=st.lists(ANY_TEXT, min_size=2, unique=True))
@example(prompts=list(STRANGE), negatives=["", " ", "\n"])
def test_a_plan_is_what_its_form_gives_back(prompts: list[str], negatives: list[str]) -> None:
    axes = (Axis(name="prompt", values=tuple(prompts)), Axis(name="negative-prompt", values=tuple(negatives)))
    base = InpaintParams(prompt=prompts[0], negative_prompt=negatives[0])
    plan = SweepPlan(subject_id="s", model="demo", base=base, axes=axes[len(prompts) == 1 :])
    assert through_form(plan) == plan
    assert SweepPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@given(sought=ANY_TEXT.filter(bool), put=st.lists(ANY_TEXT, min_size=1, unique=True))
@example(sought="\n", put=[" ", "", "a, b", '"', "\\n"])
def test_a_replacement_is_what_its_form_gives_back(sought: str, put: list[str]) -> None:
    values = tuple(dict.fromkeys([sought, *put]))
    axes = (Axis(name="replace", values=values),) if len(values) > 1 else ()
    plan = SweepPlan(subject_id="s", model="demo", base=InpaintParams(prompt=f"a {sought} b"), axes=axes)
    assert through_form(plan) == plan


@settings(max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=8))
@example(texts=list(STRANGE))
def test_a_run_is_what_png_csv_and_zip_give_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any-text")
    with (
        open_store(load_settings(home=folder / "one")) as one,
        open_store(load_settings(home=folder / "other")) as other,
    ):
        runs = [
            commit(one, made_up_run(number, params={"prompt": text, "negative_prompt": text}, subject_name=f"x{text}"))
            for number, text in enumerate(texts)
        ]
        for run in runs:
            read = read_record(one.blobs.get(run.image))
            assert read is not None
            assert (read.params, read.subject_name) == (run.params, run.subject_name)
        rows = csv.DictReader(io.StringIO(runs_csv(runs), newline=""))
        assert [without_apostrophe(row["prompt"]) for row in rows] == texts
        path = folder / "runs.zip"
        path.write_bytes(b"".join(run_archive(one, [run.id for run in runs])))
        import_runs(other, path)
        assert {run.id: run.params for run in other.runs.select()} == {run.id: run.params for run in runs}


def without_apostrophe(cell: str) -> str:
    """A cell as it was before a spreadsheet was kept from taking it for a formula."""
    signs = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(signs) else cell
