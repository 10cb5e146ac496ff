"""HTML as a browser reads it."""

import base64
import io
from html.parser import HTMLParser

from PIL import Image

HOSTILE = "<script>alert(1)</script> \"><img src=x onerror=alert(2)> ' & {{ 7 * 7 }} naïve 日本"
# Elements without an end tag.
VOID = {"meta", "img", "input"}


class HtmlPage(HTMLParser):
    """Elements, attributes and text; fails where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts.append(data)
        elif "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def pictures(self) -> list[Image.Image]:
        sources = [attributes["src"] or "" for attributes in self.all("img")]
        assert all(source.startswith("data:image/webp;base64,") for source in sources)
        return [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) for source in sources]
