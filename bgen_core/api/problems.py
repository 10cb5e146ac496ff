"""Errors as the API says them: problem details (RFC 9457), whose `detail` is the sentence that a person reads."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

PROBLEM_TYPE = "application/problem+json"


def problem_json(status: int, sentence: str, **more: Any) -> bytes:
    """One problem.

    Parameters
    ----------
    more
        Members beside the standard's own, such as the field that is wrong.
    """
    content: Mapping[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
        **more,
    }
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
