"""What programs that watch the server ask: whether it lives, whether it is ready, and its figures."""

from collections.abc import Callable, Sequence
from functools import cache

from anyio import CapacityLimiter, fail_after
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bgen_core.errors import StoreError
from bgen_core.jobs.executors.executor import Health
from bgen_core.jobs.watching.readiness import WorkerReadiness, disk_reason, is_ready, store_reason
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.routes.streaming import StoreOf

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
        return WorkerReadiness(resources.settings())

    async def healthz(request: Request) -> Response:
        """Lives: at once, whatever the store does. With `?ready` as `readyz`, but whatever the disk does."""
        if "ready" not in request.query_params:
            return JSONResponse({"status": "ok"})
        return await _ready(request, wanted=("store", "worker"))

    async def readyz(request: Request) -> Response:
        """Ready: pages and sweeps can be used, and what is made can be kept; else why not."""
        return await _ready(request, wanted=("store", "worker", "disk"))

    async def _ready(request: Request, wanted: Sequence[str]) -> Response:
        found = await _store_reasons(request)
        found["worker"] = await run_sync(lambda: watched().reason(health()))
        reasons = {name: found[name] for name in wanted if name in found}
        ready = is_ready(reasons)
        content = {"status": "ok" if ready else "not ready", **reasons}
        return JSONResponse(content, 200 if ready else 503, headers={"Cache-Control": "no-store"})

    async def _store_reasons(request: Request) -> dict[str, str]:
        def ask() -> dict[str, str]:
            store = store_of(request)
            return {"store": store_reason(store), "disk": disk_reason(store, resources.settings())}

        try:
            with fail_after(_READY_SECONDS):
                return await run_sync(ask, limiter=asking, abandon_on_cancel=True)
        except TimeoutError:
            return {"store": f"The store has not answered for {_READY_SECONDS} s."}
        except StoreError as error:
            return {"store": told(error)}

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
