"""No text that people wrote is read as Markdown, icon code, formula or link, on any page."""

import re
from collections.abc import Callable, Iterator

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from bgen_core.metrics import MetricValue
from bgen_core.store.store import Store
from bgen_core.store.views import SavedView
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.shared.plain_text import plain
from tests.made_up import VISITOR, commit, made_up_run, made_up_subject, made_up_sweep, run_id
from tests.pages.compare_pages import as_read, open_compare, open_run, open_subject, open_sweep, texts
from tests.serving import PROJECT

WRITTEN = "$x$ :smile: *b* [l](m)"  # short enough for a tag
ANOTHER = f"{WRITTEN} 2"
# What Streamlit 1.67 shows as it is, by the message and the field in which it is sent.
SHOWN_AS_IT_IS = {
    *(("MultiSelect", field) for field in ("options", "raw_values")),
    *(("Selectbox", field) for field in ("options", "raw_value")),
    *(("TextArea", field) for field in ("value", "default")),
    *(("TextInput", field) for field in ("value", "default")),
    ("BidiComponent", "json"),
    ("Code", "code_text"),
    ("Dataframe", "columns"),
    ("Html", "body"),  # from templates: see tests/pages/test_pictures.py and test_sweep_grid.py
    ("Text", "body"),
    ("VegaLiteChart", "spec"),
}
# Hashes of what a widget was made with, names of files for the log, what is read out.
NOT_SHOWN = ("id", "alt", "query_string", "element_id", "file_uploader_id")
# Streamlit 1.67 reads emoji in all of a text, escaped or not, that has one such piece as it is.
EMOJI_ARE_READ = re.compile(r":(?!material/|streamlit:)[\w+-]+:")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a beach, 3 people", r"a beach\, 3 people"),
        ("$x$ :material/home: <b>", r"\$x\$ \:material\/home\: \<b\>"),
        ("two\n# lines", r"two \# lines"),
        ("a -> b", "a \\-\u2060\\> b"),
        ("->b", r"\-\>b"),
        ("<-> >= --", "\\<\\-\u2060\\> \\>\u2060\\= \\-\u2060\\-"),
        (":streamlit: :material_home:", "\\:\u2060streamlit\\: \\:\u2060material\\_home\\:"),
        ("http://a.b www.c.d e@f.g", "http\\:\u2060\\/\\/a\\.b www\u2060\\.c\\.d e\\@\u2060f\\.g"),
        ("12:30, n@ght", r"12\:30\, n\@ght"),
    ],
)
def test_signs_lose_their_meaning(text: str, written: str) -> None:
    assert plain(text) == written
    assert as_read(written) == " ".join(text.split())


@pytest.fixture
def written(page_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store in which everything that a person can write is written so."""
    monkeypatch.setattr("pages._ui.app.resources.known_visitor", lambda cookies: VISITOR)
    page_store.subjects.save(made_up_subject(name=WRITTEN), {})
    axes = (Axis(name="prompt", values=(WRITTEN, ANOTHER)), Axis(name="seed", values=(0, 1)))
    plan = SweepPlan(
        subject_id=page_store.subjects.all()[0].id, model=WRITTEN, base=InpaintParams(prompt=WRITTEN), axes=axes
    )
    for cell in plan.cells():
        commit(page_store, made_up_run(cell.index, subject_name=WRITTEN, model=WRITTEN, params=cell.params.to_json()))
        page_store.metrics.save(
            run_id(cell.index), [MetricValue(name="seam", value=float(cell.index), reason=WRITTEN, version=1)]
        )
        page_store.opinions.tag(run_id(cell.index), [WRITTEN])
        page_store.opinions.note(run_id(cell.index), WRITTEN)
    ids = [run_id(number) for number in range(4)]
    for name, state in (("made", "done"), ("failed", "failed"), ("paused", "paused"), ("waiting", "queued")):
        page_store.sweeps.add(
            made_up_sweep(
                name, cells=ids, plan=plan.to_json(), state=state, title=WRITTEN, message=WRITTEN, owner=VISITOR.id,
                subject_id=plan.subject_id,
            ),
            ids,
        )  # fmt: skip
    page_store.views.save(SavedView(name=WRITTEN, query={}))
    return page_store


def said(message: Message) -> Iterator[tuple[str, str, str]]:
    """Every text of a message and of those in it, with the names of its message and field."""
    for field, value in message.ListFields():
        for each in value if field.is_repeated else [value]:
            if isinstance(each, Message):
                yield from said(each)
            elif isinstance(each, str):
                yield message.DESCRIPTOR.name, field.name, each


def interpreted(at: AppTest) -> list[tuple[str, str, str]]:
    return [
        (message, field, text)
        for node in at._tree
        if isinstance(proto := getattr(node, "proto", None), Message)
        for message, field, text in said(proto)
        if (WRITTEN in text or (plain(WRITTEN) in text and EMOJI_ARE_READ.search(text)))
        and field not in NOT_SHOWN
        and (message, field) not in SHOWN_AS_IT_IS
    ]


def open_file(name: str) -> AppTest:
    return open_compare().file_uploader[0].upload(name, b"nothing", "image/png").run()


def open_library() -> AppTest:
    at = open_subject()
    next(each for each in at.button if each.label.startswith("Library")).click().run()
    assert as_read(at.checkbox[0].label) == WRITTEN
    return at


PAGES: dict[str, Callable[[], AppTest]] = {
    "compare": lambda: open_compare(ids=f"{run_id(0)},{run_id(2)}", f=[f"tags:{WRITTEN}", f"prompt:{WRITTEN}"]),
    "a link to compare that says nothing": lambda: open_compare(ids=WRITTEN, sweep=WRITTEN, f=f"{WRITTEN}:1"),
    "groups": lambda: open_compare(group="prompt"),
    "what the sweep says": lambda: open_compare(sweep="made", show="says", axis="prompt", against="seed"),
    "votes": lambda: open_compare(sweep="made", show="vote", axis="prompt"),
    "file": lambda: open_file(f"{WRITTEN}.png"),
    "run": lambda: open_run(id=run_id(0)),
    "no run": lambda: open_run(id=WRITTEN),
    "sweep": lambda: open_sweep(id="made"),
    "the best of a sweep": lambda: open_sweep(id="made").selectbox(key="finish_by").set_value("seam").run(),
    "failed sweep": lambda: open_sweep(id="failed"),
    "no sweep": lambda: open_sweep(id=WRITTEN),
    "form": lambda: open_sweep(model=WRITTEN, steps=WRITTEN),
    "subject": open_subject,
    "library": open_library,
}


@pytest.mark.parametrize("opened", PAGES.values(), ids=PAGES.keys())
def test_nothing_that_people_wrote_is_interpreted(written: Store, opened: Callable[[], AppTest]) -> None:
    assert interpreted(opened()) == []


def test_nothing_is_interpreted_beside_an_opened_cell(written: Store) -> None:
    at = open_sweep(id="made", cell="1")
    assert f"1 of 4 · Prompt {WRITTEN}, Seed 0" in texts(at)
    assert interpreted(at) == []


def test_no_script_of_the_pages_reads_a_text_as_markup() -> None:
    scripts = list((PROJECT / "pages/_ui/shared/frontend").glob("*.js"))
    assert len(scripts) > 10
    markup = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|eval\(|new Function")
    assert [script.name for script in scripts if markup.search(script.read_text(encoding="utf-8"))] == []
