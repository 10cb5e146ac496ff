"""Pages of the gate's own, which are there before any of Streamlit's scripts may be fetched."""

import re

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pages._ui.identity.logins import LONGEST_NAME
from pages._ui.shared.html_templates import render

LOGIN, LOGOUT, RENAME = "/login", "/logout", "/login/name"

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def login_form(target: str, problem: str = "", *, name: str = "", status: int) -> Response:
    """The form that asks for the password and a name; `target` is where it leads to."""
    filled = render(
        "identity/login.html", action=LOGIN, target=target, problem=problem, name=name, longest=LONGEST_NAME
    )
    return HTMLResponse(filled, status, HEADERS)


def notice(title: str, sentence: str, *, status: int, asks: str = "") -> Response:
    """A page with one sentence, which leads to the login; or, with `asks`, to the address that ends it."""
    return HTMLResponse(
        render("identity/notice.html", title=title, sentence=sentence, asks=asks, login=LOGIN), status, HEADERS
    )


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks for something to show."""
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def within_app(target: str) -> str:
    """The target where it is a path of this app, else the first page: a link to the form leads nowhere else."""
    return target if re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", target) else "/"
