"""The page of a read-only link, as a phone shows it."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from bgen_core.ids import LinkId, VisitorId
from bgen_core.records.link import Link
from pages._ui.links.link_page import LinkPage
from pages._ui.shared.html_templates import render

pytestmark = pytest.mark.browser

LONG = "https://example.org/" + "a" * 200


def test_long_words_do_not_widen_it(page: Page) -> None:
    link = Link(
        id=LinkId("a"), owner=VisitorId("ada"), created=datetime.now(UTC), until=None, is_revoked=False,
        sweep_id=None, run_ids=(), title=LONG, question=LONG, verdict=LONG, may_vote=False,
    )  # fmt: skip
    shown = LinkPage(pictures=(), left_out=0, sentences=(LONG,), pair=None, tally="")
    page.set_viewport_size({"width": 390, "height": 844})
    page.set_content(render("links/link.html", link=link, page=shown, here="a", ballot="", only_looks=False, images={}))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
