"""How pages say whose something is, and who sees it."""

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Sharing
from bgen_core.store.access import EVERYONE
from bgen_core.store.store import SeenStore

SEEN_BY: dict[Sharing, str] = {"private": "Only me", "link": "By link", "shared": "All visitors"}


def whose(store: SeenStore, owner: VisitorId) -> str:
    """A name to read; Markdown in it is not made harmless."""
    if owner == EVERYONE:
        return "everybody"
    return store.visitors.names([owner]).get(owner) or "somebody without a name"
