"""What every answer tells browsers: to show pages in no frame of others, and to run the app's own scripts alone."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages._ui.routes.page_html import page_html

_EVERYWHERE = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_YEAR = "max-age=31536000"


class AnswerHeaders:
    """ASGI middleware: adds them where an answer does not say otherwise; behind TLS, also to come by TLS for a year."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _EVERYWHERE.items():
                    headers.setdefault(name, value)
                if _is_page(headers):
                    headers.setdefault("Content-Security-Policy", page_policy())
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", _YEAR)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html")


@cache
def page_policy() -> str:
    """The Content-Security-Policy of Streamlit's pages.

    Streamlit 1.67 loads the scripts of components from blobs, its charts (Vega) make functions of texts, and its styles
    are written by scripts; the inline scripts of its page are allowed by what they are.
    """
    scripts = re.findall(r"<script>(.*?)</script>", page_html(), flags=re.DOTALL)
    allowed = " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: 'unsafe-eval' {allowed}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
