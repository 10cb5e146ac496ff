"""What programs that watch the server ask: whether it lives, whether it is ready, and its figures."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from hmac import compare_digest

from anyio import CapacityLimiter, fail_after
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bgen_core.authentication import UNIX_SOCKET, is_loopback
from bgen_core.errors import StoreError
from bgen_core.jobs.executors.executor import Health
from bgen_core.jobs.watching.readiness import WorkerReadiness, disk_reason, is_ready, store_reason
from bgen_core.jobs.watching.service_figures import ServiceLook
from bgen_core.settings import Settings
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.app.sessions.session_limits import OPEN_PAGES
from pages._ui.identity.real_peer import real_peer
from pages._ui.routes.streaming import StoreOf, refused

_READY_SECONDS = 5  # within which the store must answer; whoever asks for it asks often


def operation_routes(store_of: StoreOf, health: Callable[[], Health | None]) -> list[Route]:
    """The routes, which need no password: sentences in them name no folder, no address and nothing of anybody's.

    Parameters
    ----------
    store_of
        Gives the store; none is opened at import.
    health
        How it is with what computes, or None while nothing does.
    """
    asking = CapacityLimiter(1)

    @cache
    def watched() -> WorkerReadiness:
        return WorkerReadiness(resources.settings(), lambda: resources.opened_store().workers.serving())

    async def healthz(request: Request) -> Response:
        """Lives: at once, whatever the store does. With `?ready` as `readyz`, but whatever the disk does."""
        if "ready" not in request.query_params:
            return JSONResponse({"status": "ok"})
        return await _ready(request, wanted=("store", "worker"))

    async def readyz(request: Request) -> Response:
        """Ready: pages and sweeps can be used, and what is made can be kept; else why not."""
        return await _ready(request, wanted=("store", "worker", "disk"))

    async def _ready(request: Request, wanted: Sequence[str]) -> Response:
        found = await _all_reasons(request)
        reasons = {name: found[name] for name in wanted if name in found}
        ready = is_ready(reasons)
        content = {"status": "ok" if ready else "not ready", **reasons}
        return JSONResponse(content, 200 if ready else 503, headers={"Cache-Control": "no-store"})

    async def _all_reasons(request: Request) -> dict[str, str]:
        def ask() -> dict[str, str]:
            store = store_of(request)
            found = {"store": store_reason(store), "disk": disk_reason(store, resources.settings())}
            with suppress(StoreError):  # that is said already
                found["worker"] = watched().reason(health())
            return found

        try:
            with fail_after(_READY_SECONDS):
                return await run_sync(ask, limiter=asking, abandon_on_cancel=True)
        except TimeoutError:
            return {"store": f"The store has not answered for {_READY_SECONDS} s."}
        except StoreError as error:
            return {"store": told(error)}

    @cache
    def looking() -> ServiceLook:
        return ServiceLook(resources.opened_store(), resources.settings())

    async def metrics(request: Request) -> Response:
        """Figures, for programs of this machine and for those that know the token."""
        if not _may_read_figures(request, resources.settings()):
            return refused(403, "Figures are for this machine, and for whoever gives BGEN_METRICS_TOKEN.")
        try:
            with fail_after(_READY_SECONDS):
                figures = await run_sync(lambda: looking().look(), limiter=asking, abandon_on_cancel=True)
        except (TimeoutError, StoreError):
            figures = None
        from pages._ui.routes.figures_text import figures_text  # most servers are never asked

        text = await run_sync(figures_text, figures, OPEN_PAGES.number)
        return Response(text, media_type="text/plain; version=0.0.4", headers={"Cache-Control": "no-store"})

    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]


def _may_read_figures(request: Request, settings: Settings) -> bool:
    given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
    if settings.metrics_token and compare_digest(given, settings.metrics_token.get_secret_value().encode()):
        return True
    # A proxy on this machine is one of its programs too: what comes through it does not come from here. Nor does a
    # page of a stranger's whose name leads here.
    is_handed_on = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via"))
    peer = real_peer(request.scope)
    is_near = peer == UNIX_SOCKET or is_loopback(peer)
    return is_near and not is_handed_on and is_loopback(request.url.hostname)
