"""Whatever way a visitor names a model that is not on the operator's list, it is a sentence, and nothing is touched."""

import pytest

from bgen_core.errors import UserInputError
from bgen_core.ids import NOBODY, SubjectId
from bgen_core.jobs import verifying
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.models import revision
from bgen_core.settings import load_settings
from bgen_core.store.store import Store
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import VISITOR, commit, made_up_run, made_up_subject, made_up_sweep
from tests.pages.compare_pages import open_sweep, texts

REFUSED = "The model '{}' cannot be used on this server"


@pytest.fixture(autouse=True)
def nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(spec: str, *_: object, **__: object) -> None:
        if spec != "demo":
            raise AssertionError(f"{spec} was looked for")

    for name in ("_find_given", "_read_entry_here", "_snapshot"):
        before = getattr(revision, name)

        def looking(spec: str, *rest: object, before=before, **named: object) -> object:
            touched(spec)
            return before(spec, *rest, **named)

        monkeypatch.setattr(revision, name, looking)


@pytest.fixture
def subject(page_store: Store) -> SubjectId:
    made_up = made_up_subject()
    page_store.subjects.save(made_up, {})
    return made_up.id


def test_an_address_also_while_the_engine_starts(page_store: Store, subject: SubjectId) -> None:
    assert REFUSED.format("owner/name") in texts(open_sweep(model="owner/name"))


def test_an_axis_of_models_and_what_is_typed(page_store: Store, subject: SubjectId, worker: None) -> None:
    at = open_sweep(model=["demo", "/etc"])
    assert REFUSED.format("/etc") in texts(at)
    assert next(button for button in at.button if button.label == "Run").disabled
    at.multiselect(key="model").set_value(["/absent"]).run()
    assert not at.exception
    assert REFUSED.format("/absent") in texts(at)


def test_a_run_as_base(page_store: Store, subject: SubjectId, worker: None) -> None:
    run = commit(page_store, made_up_run(0, model="/etc"))
    assert REFUSED.format("/etc") in texts(open_sweep(base=run.id))


def test_a_sweep_that_a_zip_brought(page_store: Store, subject: SubjectId, worker: None) -> None:
    plan = SweepPlan(subject_id=subject, model="/etc", base=InpaintParams(prompt="a beach"))
    sweep = made_up_sweep("brought", cells=["f" * 64], plan=plan.to_json(), state="cancelled", owner=NOBODY)
    page_store.sweeps.add(sweep, ["f" * 64])
    executor = LocalExecutor(page_store, load_settings())
    with pytest.raises(UserInputError, match=REFUSED.format("/etc")):
        executor.retry(sweep.id)
    at = open_sweep(id=sweep.id)
    assert REFUSED.format("/etc") in texts(at)
    next(button for button in at.button if button.label == "Continue").click().run()
    assert not at.exception
    assert REFUSED.format("/etc") in at.toast[0].value.replace("\\", "")
    assert page_store.sweeps.get(sweep.id).state == "cancelled"


def test_a_picture_that_is_made_again(page_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    run = commit(page_store, made_up_run(0, model="/etc"))
    with pytest.raises(UserInputError, match=REFUSED.format("/etc")):
        verifying._verify(page_store.blobs.get(run.image), VISITOR)
    assert not capsys.readouterr().out
