"""Read-only links: what one shows, to whom, and until when."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from bgen_core.errors import NotAllowedError, UserInputError
from bgen_core.ids import LinkId, RunId, SubjectId, SweepId, VisitorId
from bgen_core.metrics import METRICS, MetricValue
from bgen_core.records.link import Link
from bgen_core.records.run import RunRecord
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import SeenStore, Store, open_store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app.gate import Gate
from pages._ui.links import link_dialog
from pages._ui.links.link_address import link_path
from pages._ui.links.link_routes import link_routes
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep, run_id

ADA, BO = (Visitor(id=VisitorId(name), name=name.title()) for name in ("ada", "bo"))
EVE = Visitor(id=VisitorId("eve"), role="admin")


@dataclass
class Shared:
    """Ada's private sweep of three pictures, one beside it, and the server that shows links to them."""

    store: Store
    settings: Settings
    runs: list[RunRecord]
    other: RunRecord
    subject: SubjectId

    def link(self, **changes: Any) -> Link:
        given: dict[str, Any] = {"sweep_id": "sweep-1", "run_ids": [], "title": "Sunsets <b>", "question": "Which?"}
        return self.store.seen_by(ADA).links.add(**given | changes)

    def app(self) -> Starlette:
        def store_through(name: LinkId, voter: Visitor) -> tuple[SeenStore, Link]:
            link = self.store.links.get(name)
            return self.store.through(link, voter), link

        def settings() -> Settings:
            return self.settings

        return Starlette(routes=link_routes(store_through, settings), middleware=[Middleware(Gate, settings=settings)])

    def browser(self) -> TestClient:
        return TestClient(self.app(), base_url="https://bgen.example")

    def path(self, link: Link) -> str:
        return f"/{link_path(link, self.settings.home)}"


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    settings = load_settings(home=tmp_path, password="secret", links="open")
    with open_store(settings) as store:
        ada = store.seen_by(ADA)
        subject = ada.subjects.save(made_up_subject(), {})
        ada.subjects.share(subject, "private")
        seeds = Axis(name="seed", values=(0, 1, 2))
        plan = SweepPlan(subject_id=subject, model="demo", base=InpaintParams(prompt="a beach"), axes=(seeds,))
        ids = [RunId(run_id(number)) for number in range(3)]
        record = made_up_sweep("sweep-1", total=3, plan=plan.to_json(), subject_id=subject, sharing="private")
        ada.sweeps.add(record, ids)
        runs = [
            commit(store, made_up_run(number, owner="ada", subject_id=subject, params={"seed": number}))
            for number in range(3)
        ]
        ada.sweeps.add(made_up_sweep("sweep-2", total=1, sharing="private", plan={}), [RunId(run_id(9))])
        other = commit(store, made_up_run(9, owner="ada"))
        yield Shared(store=store, settings=settings, runs=runs, other=other, subject=subject)


def pictures_on(text: str) -> list[str]:
    return re.findall(r'<img src="[^"]*/([0-9a-f]{64})\.webp', text)


def ballot_on(text: str) -> str:
    found = re.search(r'name="ballot" value="([^"]+)"', text)
    assert found
    return unescape(found[1])


def test_a_link_shows_its_pictures_without_a_login_and_nothing_else(shared: Shared) -> None:
    path = shared.path(shared.link())
    with shared.browser() as browser:
        answer = browser.get(path)
        assert answer.status_code == 200
        assert pictures_on(answer.text) == [run.image for run in shared.runs]
        assert "Sunsets &lt;b&gt;" in answer.text
        assert "seed 0" in answer.text, "what tells the pictures apart"
        assert "script" not in answer.text
        assert answer.headers["x-robots-tag"] == "noindex"
        entry = shared.store.subjects.get(shared.subject)
        for name, status in (
            (shared.runs[0].image, 200), (shared.runs[0].raw, 200), (shared.other.image, 404), (entry.photo, 404),
            (entry.alpha, 404), ("0" * 64, 404), ("..%2f..%2fbgen", 401),
        ):  # fmt: skip
            assert browser.get(f"{path}/{name}.webp").status_code == status, name
        assert browser.get(f"{path}/{shared.runs[0].image}.webp?side=7").status_code == 404
        assert browser.get("/i/" + shared.runs[0].image + ".webp").status_code == 401, "the rest asks for the password"


def test_a_sweep_of_which_nothing_is_made_yet_is_not_said_to_be_gone(shared: Shared) -> None:
    ada = shared.store.seen_by(ADA)
    plan = SweepPlan(subject_id=shared.subject, model="demo", base=InpaintParams(prompt="a beach"))
    sweep = made_up_sweep("sweep-3", total=1, plan=plan.to_json(), subject_id=shared.subject, sharing="private")
    ada.sweeps.add(sweep, [RunId(run_id(11))])
    path = shared.path(shared.link(sweep_id="sweep-3"))
    with shared.browser() as browser:
        text = browser.get(path).text
    assert "None of its pictures is made yet" in text
    assert "not there any more" not in text


def test_a_second_click_makes_no_second_link(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"link_title_0": "Sunsets", "link_question_0": "Which?", "link_ends_0": "in a week", "link_vote_0": False}
    monkeypatch.setattr(link_dialog.st, "session_state", {"links_made": 0, **fields})
    store = shared.store.seen_by(ADA)
    for _ in range(2):
        link_dialog._make(store, SweepId("sweep-1"), (), 0)
    assert [(link.title, link.question) for link in store.links.of(sweep_id=SweepId("sweep-1"))] == [
        ("Sunsets", "Which?")
    ]


def test_chosen_pictures_alone_are_shown_in_their_order(shared: Shared) -> None:
    chosen = [shared.runs[2].id, shared.runs[0].id]
    path = shared.path(shared.link(run_ids=chosen))
    with shared.browser() as browser:
        assert pictures_on(browser.get(path).text) == [shared.runs[2].image, shared.runs[0].image]
        assert browser.get(f"{path}/{shared.runs[1].image}.webp").status_code == 404


def test_chosen_pictures_are_no_sample_of_their_sweep(shared: Shared) -> None:
    axes = (Axis(name="guidance", values=(1.0, 4.0)), Axis(name="seed", values=tuple(range(8))))
    plan = SweepPlan(subject_id=shared.subject, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    version = next(metric.version for metric in METRICS if metric.name == "seam")
    runs: list[RunRecord] = []
    for cell in plan.cells():
        run = made_up_run(20 + cell.index, owner="ada", subject_id=shared.subject, params=cell.params.to_json())
        runs.append(commit(shared.store, run))
        value = cell.params.guidance_scale + cell.params.seed / 100
        shared.store.metrics.save(run.id, [MetricValue(name="seam", value=value, reason="", version=version)])
    ids = [run.id for run in runs]
    sweep = made_up_sweep("sweep-3", plan=plan.to_json(), subject_id=shared.subject, cells=ids)
    shared.store.seen_by(ADA).sweeps.add(sweep, ids)
    some = ids[2:5]  # of one guidance
    with shared.browser() as browser:
        for chosen, says in (([], True), (ids, True), (some, False)):
            text = browser.get(shared.path(shared.link(sweep_id="sweep-3", run_ids=chosen))).text
            assert ("What the sweep says" in text) is says
            assert ("Guidance" in text.partition("What the sweep says")[2]) is says
            assert "No measure differs clearly" not in text


def test_pictures_of_several_sweeps_make_a_comparison(shared: Shared) -> None:
    path = shared.path(shared.link(sweep_id=None, run_ids=[shared.other.id, shared.runs[0].id]))
    with shared.browser() as browser:
        assert pictures_on(browser.get(path).text) == [shared.other.image, shared.runs[0].image]


ENDS: dict[str, Callable[[Shared, Link], object]] = {
    "taken back": lambda shared, link: shared.store.seen_by(ADA).links.revoke(link.id),
    "by an admin": lambda shared, link: shared.store.seen_by(EVE).links.revoke(link.id),
    "links are off": lambda shared, link: setattr(
        shared, "settings", load_settings(home=shared.settings.home, password="secret", links="off")
    ),
    "it is over": lambda shared, link: _end(shared.store, link),
}


def _end(store: Store, link: Link) -> None:
    from bgen_core.store.schema import LinkRow

    with store.database.writing() as session:
        session.get_one(LinkRow, link.id).until = datetime.now(UTC) - timedelta(seconds=1)


@pytest.mark.parametrize("end", ENDS)
def test_a_link_that_ended_opens_nothing(shared: Shared, end: str) -> None:
    link = shared.link(run_ids=[run.id for run in shared.runs], may_vote=True)
    path = shared.path(link)
    with shared.browser() as browser:
        ballot = ballot_on(browser.get(path).text)
        ENDS[end](shared, link)
        answers = [
            browser.get(path),
            browser.get(f"{path}/{shared.runs[0].image}.webp"),
            browser.post(f"{path}/vote", data={"ballot": ballot, "winner": "a"}),
        ]
        if end == "links are off":
            assert {answer.status_code for answer in answers} <= {401, 404}
        else:
            assert [answer.status_code for answer in answers] == [404, 404, 404]
            assert all(answer.text.count("<p>") == 1 for answer in answers), "one sentence"
    assert not shared.store.opinions.votes_of("sweep-1")


@pytest.mark.parametrize(
    ("tamper", "status"),
    [
        (lambda path: path[:-1], 404),
        (lambda path: path + "x", 404),
        (lambda path: f"/s/{'a' * 22}.{'b' * 27}", 404),
        # No address of a link: the login is asked for, as for everything else.
        (lambda path: "/s/%00", 401),
        (lambda path: "/s/", 401),
        (lambda path: f"{path}%2f..%2f..%2fsweep", 401),
        (lambda path: f"{path}/vote/more", 401),
        (lambda path: f"{path}/", 401),
    ],
)
def test_a_tampered_link_opens_nothing(shared: Shared, tamper: Callable[[str], str], status: int) -> None:
    path = shared.path(shared.link())
    with shared.browser() as browser:
        assert browser.get(tamper(path)).status_code == status


def test_another_servers_link_opens_nothing(shared: Shared, tmp_path: Path) -> None:
    foreign = link_path(shared.link(), tmp_path / "other")
    with shared.browser() as browser:
        assert browser.get(f"/{foreign}").status_code == 404


def test_without_leave_of_the_operator_a_link_asks_for_the_login(shared: Shared) -> None:
    path = shared.path(shared.link())
    shared.settings = load_settings(home=shared.settings.home, password="secret")
    with shared.browser() as browser:
        assert browser.get(path).status_code == 401
        browser.post("/login", data={"password": "secret", "name": "Bo", "next": path})
        assert len(pictures_on(browser.get(path).text)) == 3, "whoever is logged in sees what the link shows"


def test_each_browser_votes_once_on_each_pair_and_then_sees_the_verdict(shared: Shared) -> None:
    path = shared.path(shared.link(run_ids=[run.id for run in shared.runs], may_vote=True))
    with shared.browser() as browser:
        for number in range(3):
            text = browser.get(path).text
            assert ("So far" in text) == (number > 0), "blind until one has voted"
            assert "seed 0" not in text, "blind while there is something to vote on"
            assert shared.runs[0].params.prompt not in text
            answer = browser.post(f"{path}/vote", data={"ballot": ballot_on(text), "winner": "a"})
            assert answer.status_code == 200, "the page again"
        assert "You have seen every pair" in answer.text
        assert "seed 0" in answer.text
        votes = shared.store.opinions.votes_of("sweep-1")
        assert len({frozenset((vote.run_a, vote.run_b)) for vote in votes}) == len(votes) == 3
        again = browser.post(f"{path}/vote", data={"ballot": ballot_on(text), "winner": "b"})
        assert again.status_code == 200
        assert len(shared.store.opinions.votes_of("sweep-1")) == 3, "changed, not counted twice"
    with shared.browser() as other:
        text = other.get(path).text
        assert "So far" not in text
        other.post(f"{path}/vote", data={"ballot": ballot_on(text), "winner": "tie"})
    assert len({vote.voter for vote in shared.store.opinions.votes_of("sweep-1")}) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"winner": "a"}, {"ballot": "x", "winner": "a"}, {"ballot": "GOOD", "winner": "c"}, {"ballot": "GOOD"},
        {"ballot": "OTHER", "winner": "a"}, {"ballot": "GOOD", "winner": "a" * 9000},
    ],
)  # fmt: skip
def test_votes_that_are_none_are_refused(shared: Shared, fields: dict[str, str]) -> None:
    chosen = [run.id for run in shared.runs]
    path, other = (shared.path(shared.link(run_ids=chosen, may_vote=True)) for _ in range(2))
    with shared.browser() as browser:
        given = {"GOOD": ballot_on(browser.get(path).text), "OTHER": ballot_on(browser.get(other).text)}
        data = {name: given.get(value, value) for name, value in fields.items()}
        assert browser.post(f"{path}/vote", data=data).status_code in (404, 413)
        browser.cookies.clear()  # one browser could vote again and again
        data = {"ballot": given["GOOD"], "winner": "a"}
        assert browser.post(f"{path}/vote", data=data).status_code == 404
    assert shared.store.opinions.votes_of("sweep-1") == []


def test_who_only_looks_is_asked_for_no_vote(shared: Shared) -> None:
    path = shared.path(shared.link(run_ids=[run.id for run in shared.runs], may_vote=True))
    with shared.browser() as browser:
        text = browser.get(f"{path}?look=1").text
    assert "seed 0" in text
    assert "Which is better" not in text


def test_nobody_votes_where_nobody_asks(shared: Shared) -> None:
    chosen = [run.id for run in shared.runs]
    asks, shows = shared.link(run_ids=chosen, may_vote=True), shared.link(run_ids=chosen)
    with shared.browser() as browser:
        ballot = ballot_on(browser.get(shared.path(asks)).text)
        assert "Which is better" not in browser.get(shared.path(shows)).text
        assert browser.post(f"{shared.path(shows)}/vote", data={"ballot": ballot, "winner": "a"}).status_code == 404


def test_what_its_owner_deletes_is_shown_no_more(shared: Shared) -> None:
    path = shared.path(shared.link())
    shared.store.seen_by(ADA).deletion.delete([shared.runs[0].id])
    with shared.browser() as browser:
        assert pictures_on(browser.get(path).text) == [run.image for run in shared.runs[1:]]


def test_the_decision_stands_on_the_page(shared: Shared) -> None:
    link = shared.link()
    shared.store.seen_by(ADA).links.decide(link.id, "B, since the sky is calm")
    with shared.browser() as browser:
        assert "B, since the sky is calm" in browser.get(shared.path(link)).text


MAKES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"sweep_id": None}, "shows a sweep or pictures"),
    "too many": ({"run_ids": [str(number) for number in range(61)]}, "up to 60 chosen pictures, not 61"),
    "a ballot on everything": ({"may_vote": True}, "two or more chosen pictures"),
    "a ballot without a sweep": (
        {"sweep_id": None, "run_ids": [run_id(0), run_id(1)], "may_vote": True},
        "two or more",
    ),
    "an end that is past": ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, "2020-01-01 00:00, is past"),
    "a picture of another sweep": ({"run_ids": [run_id(9)]}, "not one of the sweep's"),
    "a sweep that is not there": ({"sweep_id": "nope"}, "No sweep is called"),
    "a long title": ({"title": "a" * 301}, "The title"),
}


@pytest.mark.parametrize("what", MAKES)
def test_what_cannot_be_shown_is_a_sentence(shared: Shared, what: str) -> None:
    changes, sentence = MAKES[what]
    with pytest.raises(UserInputError, match=sentence):
        shared.link(**changes)
    assert shared.store.links.of() == []


def test_links_are_made_and_taken_back_by_who_owns_what_they_show(shared: Shared) -> None:
    link = shared.link()
    bo = shared.store.seen_by(BO).links
    with pytest.raises(UserInputError, match="No sweep is called"):
        bo.add(sweep_id=shared.store.sweeps.get("sweep-1").id, title="")
    with pytest.raises(UserInputError, match="is not yours"):
        bo.add(sweep_id=None, run_ids=[shared.runs[0].id], title="")
    for change in (lambda: bo.revoke(link.id), lambda: bo.decide(link.id, "mine")):
        with pytest.raises(NotAllowedError):
            change()
    assert bo.of() == []
    assert [each.id for each in shared.store.seen_by(ADA).links.of(sweep_id=link.sweep_id)] == [link.id]
    made = shared.store.seen_by(EVE).links.add(sweep_id=link.sweep_id, title="by an admin")
    assert made.owner == ADA.id, "whose sweep it is may take it back"
