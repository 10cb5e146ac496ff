"""The HTML in which every page begins: Streamlit's own, told where its server is and how its elements are read."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from pages._ui.app.page_files import PATHS
from pages._ui.routes.page_scripts import scripts_of
from pages._ui.shared.frontend_source import frontend_source
from pages._ui.shared.html_templates import render

# Streamlit 1.67 would first look for its server below the page's own address (/sweep/_stcore/health): two requests that
# fail, and a pause, before every page but the first. All pages lie in one folder, and the server is there.
_SERVER = '<script>window.__streamlit = { BACKEND_BASE_URL: new URL(".", location.href).href.slice(0, -1) }</script>'
# The theme does not use the font that Streamlit fetches beside its scripts; icons are on every page.
_OF_AN_ID = ("/run", "/sweep")  # pages that show what `id` names
_TEXT_FONT, _ICON_FONT = re.compile(r"SourceSansVF-Upright\.[\w.-]+\.woff2"), "MaterialSymbols-Rounded.*.woff2"


def page_routes() -> list[Route]:
    """The addresses of the pages."""

    async def page(request: Request) -> Response:
        return HTMLResponse(await run_sync(page_html), headers={"Cache-Control": "no-cache"})

    async def first_page(request: Request) -> Response:
        return RedirectResponse(request.url.replace(path="/", scheme="", netloc=""))

    # Streamlit gives the first page no name of its own, and calls one that is asked for by name missing.
    # With a slash at its end a page's address would be a folder, and its links would lead there.
    async def without_slash(request: Request) -> Response:
        return RedirectResponse(request.url.replace(path=request.url.path.rstrip("/"), scheme="", netloc=""))

    # Deeper ones would be Streamlit's HTML too, whose scripts do not lie there: nothing would ever be seen.
    async def of_its_id(request: Request) -> Response:
        _, name, shown = request.url.path.split("/", 2)
        if shown.startswith("_"):  # Streamlit's own, below a page
            raise HTTPException(404)
        query = urlencode({"id": shown}) if f"/{name}" in _OF_AN_ID else ""
        return RedirectResponse(request.url.replace(path=f"/{name}", query=query, scheme="", netloc=""))

    return [
        *(Route(path, page, methods=["GET"]) for path in PATHS),
        *(Route(f"{path}/", without_slash, methods=["GET"]) for path in PATHS if path != "/"),
        *(Route(f"{path}/{{shown:path}}", of_its_id, methods=["GET"]) for path in PATHS if path != "/"),
        Route("/subject", first_page, methods=["GET"]),
    ]


@cache
def page_html() -> str:
    """Streamlit's index.html with the server's address, and what mends its own elements, in its head."""
    static = Path(st.__file__).parent / "static"
    own = (static / "index.html").read_text(encoding="utf-8")
    before, head, after = own.partition("<head>")
    if not head:
        raise RuntimeError("Streamlit's index.html has no head any more")
    mended, end, rest = after.partition("</head>")
    for icons in (static / "static" / "media").glob(_ICON_FONT):
        mended = _TEXT_FONT.sub(icons.name, mended)
    script = frontend_source(
        "one_act_one_entry.js", "overlay_keys.js", "sidebar_room.js", "streamlit_markup.js", "login_over.js"
    )
    style = frontend_source("streamlit.css")
    mends = ("<style>", style, "</style>", "<script>", script, "</script>")
    return "".join((before, head, _SERVER, mended, _preloads(static, mended), *mends, end, rest))


def _preloads(static: Path, named: str) -> str:
    """Links to the scripts that the page needs soon and that its own HTML does not name."""
    names = [name for name in scripts_of(static / "static" / "js") if name not in named]
    return render("routes/preloads.html", names=names)
