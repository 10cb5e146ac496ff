"""What pages show to visitors who look and vote alone."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Role, Visitor
from bgen_core.store.store import Store
from pages._ui.app import resources
from pages._ui.identity.viewers import LOOKS_ALONE
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep, run_id
from tests.pages.compare_pages import open_compare, open_run, open_subject, open_sweep, texts

CHANGING = {"Run", "Save", "Use in sweep →", "Make a first picture", "Pause", "Cancel", "Run again and verify"}
CHANGING |= {"Delete …", "Start with the sample photo", "Save this view", "Finish these", "Import"}


POPOVERS = {"New photo", "Open a file", "Rate", "Mask from a file"}


@pytest.fixture
def somebody(page_store: Store, worker: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Role], None]:
    """Lets a visitor with this role open the pages, in a store with something of each kind."""
    run = commit(page_store, made_up_run(7))
    page_store.subjects.save(made_up_subject(), {})
    page_store.sweeps.add(made_up_sweep(total=1), [run.id])

    def visit(role: Role) -> None:
        visitor = Visitor(id=VisitorId("0123456789ab"), name="Vera", role=role)
        monkeypatch.setattr(resources, "store", lambda: resources.opened_store().seen_by(visitor))

    return visit


def offered(at: AppTest) -> set[str]:
    """What would change something."""
    assert not at.exception
    buttons = {button.label for button in at.button if not button.disabled}
    popovers = {block.proto.popover.label for block in at.get("popover")}
    uploads = {"upload" for kind in ("file_uploader", "camera_input") for _ in at.get(kind)}
    return (buttons & CHANGING) | (popovers & POPOVERS) | uploads


@pytest.mark.parametrize(
    ("page", "member_may"),
    [
        (open_subject, set[str]()),  # drawing it for a member cuts out the sample
        (open_sweep, {"Run"}),
        (lambda: open_compare(ids=run_id(7)), {"Delete …", "upload"}),
        (lambda: open_run(id=run_id(7)), {"Run again and verify"}),
    ],
)
def test_a_viewer_is_offered_nothing_that_changes_something(
    somebody: Callable[[Role], None], page: Callable[[], AppTest], member_may: set[str]
) -> None:
    if member_may:
        somebody("member")
        assert offered(page()) >= member_may
    somebody("viewer")
    seen = page()
    assert offered(seen) == set()
    assert "Notes" not in {area.label for area in seen.text_area}
    assert page is not open_subject or LOOKS_ALONE in texts(seen)
