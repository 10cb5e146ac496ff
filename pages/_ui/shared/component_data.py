"""What the pages' own components are told, with its turn."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

import streamlit as st


def component_data(key: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Data for the component of that key, numbered as in_order.js wants it: what is told again keeps its number."""
    content = hashlib.blake2b(json.dumps(data).encode(), digest_size=16).digest()
    known, turn = st.session_state.get(f"told_{key}", (b"", 0))
    if content != known:
        turn += 1
        st.session_state[f"told_{key}"] = (content, turn)
    session = st.session_state.setdefault("told_session", secrets.token_hex(8))
    return {**data, "told": [session, turn]}
