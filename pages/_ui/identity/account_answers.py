"""What is answered where somebody changes their name or logs out."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from bgen_core.authentication import mode_of
from bgen_core.errors import StoreError, UserInputError
from bgen_core.settings import Settings
from pages._ui.app.faults import told
from pages._ui.app.sub_path import sub_path
from pages._ui.identity.forms import HEADERS, LOGIN, LOGOUT, notice, within_app
from pages._ui.identity.logins import Login, checked_name, let_in, let_out

_NO_LOGIN = "You are known by the proxy before this app: log out there."


def account_answer(request: Request, body: bytes, entered: Login | None, settings: Settings) -> Response:
    """Log out or take another name, at their two addresses; a page is shown for who came there by a link."""
    fields = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
    leaves = request.scope["path"] == LOGOUT
    if mode_of(settings) == "header":
        return notice("Log out", _NO_LOGIN, status=403)
    try:
        if leaves:
            return _left(request, fields, entered, settings)
        return _renamed(request, fields, entered, settings)
    except StoreError as error:
        return PlainTextResponse(told(error), 503, HEADERS)


def _left(request: Request, fields: dict[str, str], entered: Login | None, settings: Settings) -> Response:
    if request.method != "POST":  # a link of another site's may lead here
        if entered:
            return notice(
                "Log out", f"You are logged in as {entered.visitor.name or 'a visitor'}.", status=200, asks=LOGOUT
            )
        return notice("Logged out", "You are logged out here.", status=200)
    answer = RedirectResponse(LOGOUT, 303, HEADERS)
    let_out(answer, request, entered, settings, forget="forget" in fields)
    return answer


def _renamed(request: Request, fields: dict[str, str], entered: Login | None, settings: Settings) -> Response:
    if entered is None:
        return PlainTextResponse(f"This needs the password: give it at {LOGIN}.", 401, HEADERS)
    if request.method != "POST" or mode_of(settings) != "password":
        return RedirectResponse("/", 303, HEADERS)
    try:
        visitor = replace(entered.visitor, name=checked_name(fields.get("visitor_name", "")))
    except UserInputError as error:
        return PlainTextResponse(told(error), 400, HEADERS)
    answer = RedirectResponse(_came_from(request), 303, HEADERS)
    let_in(answer, request, visitor, settings, key=entered.key)
    return answer


def _came_from(request: Request) -> str:
    """The page on which the name was changed, which the browser names."""
    page = urlsplit(request.headers.get("referer", ""))
    return within_app(page.path.removeprefix(sub_path()) + (f"?{page.query}" if page.query else ""))
