"""The app: `streamlit run streamlit_app.py`, or any ASGI server with `streamlit_app:app`."""

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from bgen_core.errors import BgenError, StoreAwayError
from bgen_core.fault_log import count_faults
from bgen_core.jobs.executors.local import serving
from bgen_core.json_log import write_json_lines
from pages._ui.app import resources
from pages._ui.app.answer_headers import AnswerHeaders
from pages._ui.app.connection_limits import BodyLimits, quiet_after_closing, raise_open_files
from pages._ui.app.faults import tell_fault
from pages._ui.app.field_files import watched_fields
from pages._ui.app.gate import Gate
from pages._ui.app.head_limit import heads_in_time
from pages._ui.app.own_address import OwnAddress
from pages._ui.app.repeated_faults import told_once_a_minute
from pages._ui.app.request_log import RequestLog
from pages._ui.app.sessions.session_keys import read_keys_at_once
from pages._ui.app.sessions.session_limits import SessionLimits
from pages._ui.app.sessions.timed_runs import timed_runs_choose_nothing
from pages._ui.app.sub_path import SubPath, take_over_from_streamlit
from pages._ui.app.upload_limits import UploadLimits
from pages._ui.app.visitor_cookie import VisitorCookie
from pages._ui.identity.real_peer import peers_kept
from pages._ui.routes.api.server_end import end_is_told
from pages._ui.routes.routes import own_routes

_SECONDS_BEFORE_TABLE = 1.5  # the first page is about to be painted by then


@asynccontextmanager
async def lifespan(app: Any) -> AsyncGenerator[dict[str, Any]]:
    """Start the worker with the server, so that its models load while the first page is painted."""
    del app
    raise_open_files()
    count_faults()
    if resources.settings().log == "json":
        write_json_lines()
    with told_once_a_minute(), heads_in_time(), peers_kept(), watched_fields(), end_is_told():
        try:
            resources.opened_store()
        except StoreAwayError as error:  # the pages say so until it answers, and the worker waits for it
            logging.getLogger("bgen").warning("the store cannot be opened yet: %s", error)
        with serving(resources.opened_store, resources.settings()):
            reading = threading.Timer(_SECONDS_BEFORE_TABLE, warm_up)
            reading.start()
            try:
                yield {}
            finally:
                reading.cancel()
                quiet_after_closing(asyncio.get_running_loop())


def warm_up() -> None:
    """Read the table of runs before anybody asks: the first visitor of a large store would wait for it.

    What was imported by then stays for good. Streamlit looks through all objects for circles after each run of a page;
    without the libraries' objects that takes a millisecond instead of a tenth of a second, in which no page runs.
    """
    try:
        read_table()
    finally:
        gc.collect()
        gc.freeze()


def read_table() -> None:
    """The store's runs as pages need them; a store that is away is waited for by them."""
    from bgen_core.runs.wide_table import run_table  # pandas takes a quarter of the server's start

    try:
        run_table(resources.opened_store())
    except BgenError as error:
        logging.getLogger("bgen").warning("the table of runs was not read ahead: %s", error)


take_over_from_streamlit()
read_keys_at_once()
timed_runs_choose_nothing()
# The shell is not beside pages/: Streamlit would otherwise serve a page file alone, without shell and gate, to the
# first visitor of a fresh server who comes by a deep link.
app = st.App(
    Path(__file__).parent / "pages" / "_ui" / "app" / "shell.py",
    routes=own_routes(),
    middleware=[
        Middleware(RequestLog),
        Middleware(SubPath),
        Middleware(BodyLimits),
        Middleware(AnswerHeaders),
        Middleware(OwnAddress),
        Middleware(Gate),
        Middleware(VisitorCookie, is_wanted=resources.asks_nobody),
        Middleware(SessionLimits),
        Middleware(UploadLimits),
    ],
    lifespan=lifespan,
    on_script_error=tell_fault,
)
