from datetime import UTC, datetime

import pytest

from bgen_core.errors import UserInputError
from bgen_core.ids import VisitorId
from bgen_core.records.decision import SweepDecision
from bgen_core.records.visitor import Visitor
from bgen_core.store.store import Store
from tests.made_up import made_up_sweep

pytestmark = pytest.mark.both_databases

ADA, BO = (Visitor(id=VisitorId(name), role="member") for name in ("ada", "bo"))


def test_a_question_is_asked_and_decided_with_its_evidence(store: Store) -> None:
    store.seen_by(ADA).sweeps.add(made_up_sweep(total=0, sharing="shared"), [])
    ada, bo = store.seen_by(ADA), store.seen_by(BO)
    assert ada.decisions.of("sweep-1").is_empty
    ada.decisions.ask("sweep-1", " which prompt for the team page? ")
    before = datetime.now(UTC)
    ada.decisions.decide("sweep-1", "the beach", evidence="Prompt a beach is preferred.")
    found = bo.decisions.of("sweep-1")
    assert (found.question, found.decision) == ("which prompt for the team page?", "the beach")
    assert (found.evidence, found.decided_by) == ("Prompt a beach is preferred.", "ada")
    assert found.decided is not None
    assert found.decided >= before
    ada.decisions.decide("sweep-1", " ")
    assert bo.decisions.of("sweep-1") == SweepDecision(question="which prompt for the team page?")


def test_what_is_private_is_not_told(store: Store) -> None:
    store.seen_by(ADA).sweeps.add(made_up_sweep(total=0, sharing="private"), [])
    store.seen_by(ADA).decisions.ask("sweep-1", "which?")
    assert store.seen_by(BO).decisions.of("sweep-1").is_empty


@pytest.mark.parametrize(
    ("sweep", "question", "sentence"),
    [
        ("sweep-1", "x" * 201, "A question has up to 200 letters, not 201."),
        ("sweep-1", "a\0b", "The question holds a zero byte"),
        ("none", "which?", "No sweep is called 'none'"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(store: Store, sweep: str, question: str, sentence: str) -> None:
    store.sweeps.add(made_up_sweep(total=0), [])
    with pytest.raises(UserInputError, match=sentence):
        store.decisions.ask(sweep, question)
    assert store.decisions.of("sweep-1").is_empty
