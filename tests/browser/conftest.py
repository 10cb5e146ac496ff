"""A running app with a store of its own, and one Chromium for all tests."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from tests.batch_sizes import BatchSizes
from tests.browser import acting
from tests.browser.chromium import NoBrowserError, running_chromium
from tests.browser.compared import add_own_sweep, fill_with_runs
from tests.conftest import REPEATED
from tests.forking import starting
from tests.needs import missing
from tests.serving import RunningApp, serve
from tests.tiny_clip import saved_clip

expect.set_options(timeout=60_000)  # far above what a busy machine needs
UNOPTIMISED = "--js-flags=--no-opt --no-maglev"  # a page that stands for seconds costs a quarter more to optimise
LONGEST_SHOWN = 20_000  # characters of a page where a test failed
Serve = Callable[..., AbstractContextManager[RunningApp]]


@pytest.fixture(scope="session")
def serving(batch_sizes: BatchSizes) -> Serve:
    """`serve`, whose worker measures only what no worker of this test run has measured."""

    @contextmanager
    def serving(folder: Path, **options: Any) -> Iterator[RunningApp]:
        with batch_sizes.known_in(folder / "home"), starting(serve(folder, **options)) as running:
            yield running

    return serving


@pytest.fixture(scope="session")
def app(serving: Serve, tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    """The app as `make run` starts it, on a free port."""
    return _shared.opened.enter_context(serving(tmp_path_factory.mktemp("app")))


@pytest.fixture(scope="session")
def own_runs(app: RunningApp) -> list[str]:
    """Ids of the runs of a sweep in the app's store that is `VISITOR`'s own; see `add_own_sweep`."""
    with open_store(load_settings(home=app.home)) as store:
        return add_own_sweep(store)


@pytest.fixture(scope="session")
def compared(serving: Serve, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunningApp, Store]:
    """A server whose store has something to compare, and which has a CLIP model."""
    folder = tmp_path_factory.mktemp("compared")
    clip = str(saved_clip(folder / "clip"))
    store = _shared.opened.enter_context(open_store(load_settings(home=folder / "home", clip_model=clip)))
    fill_with_runs(store)
    return _shared.opened.enter_context(serving(folder, BGEN_CLIP_MODEL=clip)), store


@pytest.fixture(autouse=True)
def repeated_acts(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """What `acting.repeat` had to do more than once is told at the end of the test run."""
    acting.repeated.clear()
    yield
    for act in acting.repeated:
        record_property(REPEATED, act)


class _Shared:
    """Servers and one Chromium for the tests of this folder, and one context for all visitors.

    Streamlit's scripts, megabytes of them, are fetched and compiled once: all pages of a server are drawn by one
    process, which lives as long as one of them is open. All is closed before other tests run: else
    Playwright's event loop would run in their thread, and servers and workers that nobody visits beside them.

    Attributes
    ----------
    opened
        What ends with the last test of this folder.
    """

    def __init__(self) -> None:
        self.opened = ExitStack()
        self._context: BrowserContext | None = None
        self._left: Page | None = None

    def context(self) -> BrowserContext:
        if self._context is None:
            try:
                browser = self.opened.enter_context(running_chromium("--process-per-site", UNOPTIMISED))
            except NoBrowserError as error:
                missing(str(error))
            self._context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
            self._context.set_default_timeout(60_000)
        return self._context

    def leave(self, page: Page) -> None:
        """Close all pages but one of the same server, where nothing runs."""
        at = urlsplit(page.url)
        if at.scheme == "http" and (self._left is None or urlsplit(self._left.url).netloc != at.netloc):
            self._left = self.context().new_page()  # not the test's own, which may be going somewhere
            self._left.goto(f"http://{at.netloc}/healthz")
        for each in self.context().pages:
            if each is not self._left:
                each.close()

    def close(self) -> None:
        self._context = self._left = None
        self.opened.close()


_shared = _Shared()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    if nextitem is None or not nextitem.get_closest_marker("browser"):
        _shared.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What stood on the pages when a test failed: their pictures are gone with the machine that ran it."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if call.when == "call" and report.failed and isinstance(page, Page) and page.context.browser:
        for each in [each for context in page.context.browser.contexts for each in context.pages]:
            shown = each.locator("body").aria_snapshot(timeout=5_000)
            report.sections.append((f"shown at {each.url}", shown[:LONGEST_SHOWN]))
    return report


@pytest.fixture
def context() -> BrowserContext:
    return _shared.context()


@pytest.fixture
def browser(context: BrowserContext) -> Browser:
    assert context.browser
    return context.browser


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A fresh visitor, of whom no site knows anything."""
    page = context.new_page()
    yield page
    page.evaluate("location.origin === 'null' || localStorage.clear()")
    _shared.leave(page)
    context.clear_cookies()  # not before: a page that is still there is given a new one
