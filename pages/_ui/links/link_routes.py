"""The routes of read-only links. The gate lets them pass without a login where `BGEN_LINKS=open`."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bgen_core.errors import BgenError, NotAllowedError, StoreError, UserInputError
from bgen_core.ids import BlobHash, LinkId, RunId, SweepId, VisitorId
from bgen_core.records.link import Link
from bgen_core.records.visitor import Visitor
from bgen_core.runs.links import THUMBNAIL_SIDES
from bgen_core.server_secret import server_secret
from bgen_core.settings import Settings
from bgen_core.store.opinions import Vote, Winner, drawn_as
from bgen_core.store.store import SeenStore
from bgen_core.store.thumbnails import thumbnail
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.identity.handed_on import visitor_in
from pages._ui.identity.signed_cookie import SignedCookie, signed_lately
from pages._ui.links.link_address import LINKS, link_in
from pages._ui.shared.html_templates import render

StoreThrough = Callable[[LinkId, Visitor], tuple[SeenStore, Link]]

HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PICTURE = {"Cache-Control": "private, max-age=600", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex"}
_BALLOT_SECONDS = 24 * 3600
_MOST_BYTES = 4096
_DECODED_AT_ONCE = 2
_WINNERS: Mapping[str, Winner] = {"a": "a", "b": "b", "tie": "tie"}


def voter_cookie() -> SignedCookie:
    """What knows a browser again that votes without a login."""
    return SignedCookie(name="bgen_voter", purpose="votes through links", seconds=400 * 24 * 3600)


def link_routes(
    store_through: StoreThrough = resources.store_through, settings: Callable[[], Settings] = resources.settings
) -> list[Route]:
    """A link's page, its pictures, and the vote.

    Parameters
    ----------
    store_through
        Gives the store as a link shows it.
    """
    decoding = CapacityLimiter(_DECODED_AT_ONCE)

    async def page(request: Request) -> Response:
        def answer() -> Response:
            seen, link = _opened(request, store_through, settings())
            from pages._ui.links.link_page import link_page  # with pandas behind it

            only_looks = "look" in request.query_params
            shown = link_page(seen, link, only_look=only_looks)
            pair = shown.pair
            ballot = (
                "" if pair is None else _ballots(settings().home).dumps([link.id, pair.run_a, pair.run_b, pair.drawn])
            )
            filled = render(
                "links/link.html",
                link=link,
                page=shown,
                here=request.path_params["token"],  # beside the page, whatever folder the app lies in
                ballot=ballot,
                only_looks=only_looks,
                images={each.run.id: each.run.image for each in shown.pictures},
            )
            response = HTMLResponse(filled, headers=HEADERS)
            if pair is not None and visitor_in(request.headers) is None:
                content = {"id": seen.visitor.id}
                voter_cookie().set_on(response, request, content, settings().home)
            return response

        return await _answered(answer)

    async def picture(request: Request) -> Response:
        name, side = BlobHash(request.path_params["name"]), request.query_params.get("side", "512")

        def seen_picture() -> SeenStore:
            if side not in map(str, THUMBNAIL_SIDES):
                raise UserInputError(f"side must be one of {', '.join(map(str, THUMBNAIL_SIDES))}.")
            seen, _ = _opened(request, store_through, settings())
            if not seen.pictures.sees(name):
                raise UserInputError("This picture is not shown by the link.")
            return seen

        try:
            seen = await run_sync(seen_picture)
            kept = await run_sync(seen.blobs.get_thumbnail, name, f"{side}.webp")
            data = kept or await run_sync(thumbnail, seen.blobs, name, int(side), limiter=decoding)
        except BgenError as error:
            return _refused(error)
        return Response(data, media_type="image/webp", headers=_PICTURE)

    async def vote(request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                return _refused(UserInputError("This is longer than any vote."), status=413)
        fields = parse_qs(body.decode("utf-8", "replace"))

        def answer() -> Response:
            seen, link = _opened(request, store_through, settings())
            winner = _WINNERS.get((fields.get("winner") or [""])[0])
            try:
                ballot = (fields.get("ballot") or [""])[0]
                given, _ = signed_lately(_ballots(settings().home), ballot, _BALLOT_SECONDS)
            except BadData:
                given = [""]
            if winner is None or given[0] != link.id or not _is_known(request, settings()):
                raise UserInputError("This ballot is not valid any more: open the link again.")
            _, one, other, *drawn = given  # a ballot of an older version does not say how it was drawn
            vote = Vote(
                sweep_id=link.sweep_id or SweepId(""),
                run_a=RunId(one),
                run_b=RunId(other),
                winner=winner,
                drawn=drawn_as(drawn[0] if drawn else ""),
            )
            seen.opinions.add_vote(vote)
            return RedirectResponse(f"../{request.path_params['token']}#vote", 303, HEADERS)

        return await _answered(answer)

    return [
        Route(f"/{LINKS}{{token}}", page, methods=["GET"]),
        Route(f"/{LINKS}{{token}}/{{name}}.webp", picture, methods=["GET"]),
        Route(f"/{LINKS}{{token}}/vote", vote, methods=["POST"]),
    ]


async def _answered(answer: Callable[[], Response]) -> Response:
    try:
        return await run_sync(answer)
    except BgenError as error:
        return _refused(error)


def _refused(error: BgenError, status: int | None = None) -> Response:
    codes: tuple[tuple[type[BgenError], int], ...] = ((NotAllowedError, 403), (UserInputError, 404), (StoreError, 503))
    found = status or next((code for kind, code in codes if isinstance(error, kind)), 404)
    return HTMLResponse(render("links/link_notice.html", sentence=told(error)), found, HEADERS)


def _opened(request: Request, store_through: StoreThrough, settings: Settings) -> tuple[SeenStore, Link]:
    """The store as the link shows it, or a sentence why it shows nothing."""
    if settings.links == "off":
        raise UserInputError("Links are not in use here.")
    name = link_in(request.path_params["token"], settings.home)
    if name is None:
        raise UserInputError("This link opens nothing: look whether it was copied whole.")
    seen, link = store_through(name, _voter(request, settings))
    if link.is_revoked:
        raise UserInputError("This link was taken back by whoever made it.")
    if link.until is not None and link.until <= datetime.now(UTC):
        raise UserInputError(f"This link ended on {link.until:%d %B %Y}: ask whoever sent it for a new one.")
    return seen, link


def _voter(request: Request, settings: Settings) -> Visitor:
    """Who looks: the visitor that the gate knows, or the browser that a cookie knows again."""
    known = visitor_in(request.headers)
    if known is not None:
        return replace(known, role="viewer", is_local=False)
    read = voter_cookie().read(request.cookies.get("bgen_voter"), settings.home)
    return Visitor(id=VisitorId(str(read[0]["id"])) if read else _new_voter(), role="viewer")


def _is_known(request: Request, settings: Settings) -> bool:
    """Whether the voter comes with a name that the server gave: a vote without one could be given again and again."""
    if visitor_in(request.headers) is not None:
        return True
    return voter_cookie().read(request.cookies.get("bgen_voter"), settings.home) is not None


def _new_voter() -> VisitorId:
    return VisitorId(f"link-{uuid.uuid4().hex[:12]}")


def _ballots(home: Path) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(server_secret(home), salt="bgen ballot")
