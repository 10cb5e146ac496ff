"""The installed package in a real browser: it listens as it should, its pages are drawn, and its worker answers."""

from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import settle
from tests.browser.conftest import Serve
from tests.installed import build, unpack
from tests.serving import RunningApp

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def installed_app(serving: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """`bgen app` from an unpacked wheel, in a folder that is no clone."""
    wheel = build(tmp_path_factory.mktemp("built"))
    installed = unpack(wheel, tmp_path_factory.mktemp("installed"))
    # A person's own project of Streamlit: its address would let everybody in.
    (installed.working_folder / ".streamlit").mkdir()
    own = '[server]\naddress = "0.0.0.0"\nmaxUploadSize = 7\n'
    (installed.working_folder / ".streamlit" / "config.toml").write_text(own)
    with serving(
        tmp_path_factory.mktemp("app"), command=[*installed.command, "app"], cwd=installed.working_folder
    ) as running:
        yield running


def test_pages_are_drawn_and_the_worker_is_there(installed_app: RunningApp, page: Page) -> None:
    assert "http://127.0.0.1:" in installed_app.log.read_text()  # not the other address, nor all of them
    sockets = psutil.Process(installed_app.process.pid).net_connections()
    assert {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    page.goto(installed_app.url)
    settle(page)
    expect(page.get_by_role("heading", name="Subject")).to_be_visible()
    expect(page.get_by_text("Person found · ")).to_be_visible()
    page.goto(f"{installed_app.url}/sweep")
    settle(page)
    expect(page.get_by_role("heading", name="Sweep")).to_be_visible()
    page.get_by_role("button", name="Start with the sample photo").click()
    expect(page.get_by_text("demo · cpu · idle")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
