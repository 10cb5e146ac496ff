"""Scripts of several people, each with a token."""

from starlette.testclient import TestClient

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Role, Visitor
from bgen_core.store.people.tokens import BY_OPERATOR, Scope
from bgen_core.store.store import Store

ANNA = VisitorId("aaaaaaaaaaaa")
BORIS = VisitorId("bbbbbbbbbbbb")


def token(
    store: Store, scope: Scope = "sweep", *, person: VisitorId = ANNA, role: Role = "member", days: float | None = None
) -> str:
    owner = Visitor(id=person, name="Anna" if person == ANNA else "Boris", role=role)
    return store.tokens.add("a test", scope, owner=owner, made_under=BY_OPERATOR, days=days)[1]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def with_token(client: TestClient, text: str) -> TestClient:
    """The same connection, whose requests bring this token."""
    client.headers["Authorization"] = f"Bearer {text}"
    return client
