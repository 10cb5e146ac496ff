"""A picture's HTML, and that no name or prompt becomes markup."""

import pytest

from bgen_core.extent import Extent
from pages._ui.shared.pictures import describe, picture_html
from tests.html_page import HOSTILE, HtmlPage
from tests.made_up import made_up_run

ALTS = {
    "name": HOSTILE,
    "prompt": describe(made_up_run(params={"prompt": HOSTILE})),
    "subject": describe(made_up_run(subject_name=HOSTILE)),
}


@pytest.mark.parametrize("alt", ALTS.values(), ids=ALTS.keys())
def test_what_a_picture_shows_is_told_and_not_drawn(alt: str):
    page = HtmlPage(picture_html("/i/a.webp?side=256&x=1", alt=alt, style="width:100%"))
    assert page.elements == [
        ("img", {"src": "/i/a.webp?side=256&x=1", "alt": alt, "loading": "lazy", "style": "width:100%"})
    ]
    assert HOSTILE in alt


def test_a_size_reserves_the_place():
    page = HtmlPage(picture_html("/i/a.webp", alt="", style="", extent=Extent(width=48, height=32), lazy=False))
    assert page.elements == [("img", {"src": "/i/a.webp", "alt": "", "width": "48", "height": "32", "style": ""})]
