"""Visitors who look and vote alone: what pages leave out for them, and what is said of it.

What they may not do is refused by the store's door; this spares them buttons that would only say so.
"""

from bgen_core.store.store import SeenStore

LOOKS_ALONE = "You may look and vote here: uploading and changing is for members."


def looks_alone(store: SeenStore) -> bool:
    """Whether whoever sees the store through this door is a viewer."""
    return store.visitor.role == "viewer"
