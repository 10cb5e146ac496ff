"""Two app servers behind nginx with one store, and a browser: whether the other goes on with what one began.

    python -m benchmarks.front_ends

Starts PostgreSQL, a bucket, one painter (the demo model), two app servers with one login secret, and
nginx with `deploy/nginx-two-servers.conf`, in which addresses, ports and certificate alone are other ones. A visitor
uploads a photo and sweeps; a second browser sees it at the other server; then the visitor's server is killed.
"""

import argparse
import getpass
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from benchmarks.places import shared_places
from bgen_core.runs.links import picture_url, thumbnail_url
from bgen_core.server_secret import SECRET_NAME, server_secret
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.samples.samples import SAMPLES
from tests.browser.acting import fill, settle
from tests.browser.chromium import running_chromium
from tests.serving import PROJECT, await_app, start_app

PATIENCE_SECONDS = 300  # far above what a busy machine needs
PASSWORD = "a sentence of the benchmark"
STICKY = "bgen_server"
expect.set_options(timeout=PATIENCE_SECONDS * 1000)
PROXY = "127.0.0.5"  # as the servers see nginx: another machine than theirs
CONFIGURATION = PROJECT / "deploy" / "nginx-two-servers.conf"
PAINT = """
from bgen_core.models.devices import prepare_process_for_inference
prepare_process_for_inference()
from bgen_core.cluster.painter import paint
from bgen_core.cluster.painter_actor import Control
from bgen_core.jobs.leases.member import new_worker_id
paint(Control(new_worker_id()))
"""
FRAME = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    proxy_bind {proxy};
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{configuration}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class FrontEnds:
    """The two app servers, by the letters that the configuration has for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ports = {"a": free_port(), "b": free_port()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        secret = server_secret(folder / "a")
        (folder / "b").mkdir()
        (folder / "b" / SECRET_NAME).write_bytes(secret)

    def log(self, letter: str) -> Path:
        return self._folder / f"{letter}.log"

    def start(self, letter: str) -> None:
        own = {
            "BGEN_PASSWORD": PASSWORD,
            "BGEN_RAY": "127.0.0.1:1",  # the servers never ask it
            "FORWARDED_ALLOW_IPS": PROXY,
        }
        home, log = self._folder / letter, self.log(letter)
        self.processes[letter] = start_app(home, log, port=self.ports[letter], **own)
        await_app(self.processes[letter], log)

    def kill(self, letter: str) -> None:
        self.processes[letter].kill()
        self.processes[letter].wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@contextmanager
def running_nginx(folder: Path, ports: dict[str, int]) -> Iterator[str]:
    """nginx with the configuration that is in deploy/; gives its address."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        sys.exit("nginx is not installed (Debian: apt-get install nginx-light)")
    port, plain, key, certificate = free_port(), free_port(), folder / "key.pem", folder / "certificate.pem"
    words = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    subprocess.run(words.split(), check=True, capture_output=True)
    changes = {
        "10.0.0.11:8501": f"127.0.0.1:{ports['a']}",
        "10.0.0.12:8501": f"127.0.0.1:{ports['b']}",
        r"10\.0\.0\.11:8501": rf"127\.0\.0\.1:{ports['a']}",
        r"10\.0\.0\.12:8501": rf"127\.0\.0\.1:{ports['b']}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "server_name bgen.example.org": "server_name localhost",
        "/etc/ssl/bgen.example.org.pem": str(certificate),
        "/etc/ssl/bgen.example.org.key": str(key),
    }
    text = CONFIGURATION.read_text()
    for written, meant in changes.items():
        if written not in text:
            sys.exit(f"{CONFIGURATION.name} has no {written}")
        text = text.replace(written, meant)
    whole = folder / "nginx.conf"
    whole.write_text(FRAME.format(user=getpass.getuser(), folder=folder, proxy=PROXY, configuration=text))
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(whole), "-e", str(folder / "error.log")])
    try:
        yield f"https://localhost:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def visitor(browser: Browser, url: str, at: str = "") -> tuple[BrowserContext, Page]:
    """Somebody who gives the password; `at` is the server that they come to, by the cookie of who was there before."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    if at:
        context.add_cookies([{"name": STICKY, "value": at, "url": url}])
    page = context.new_page()
    page.goto(url)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Your name").fill("Anna")
    page.get_by_role("button", name="Open").click()
    settle(page)
    return context, page


def server_of(context: BrowserContext) -> str:
    return next(cookie["value"] for cookie in context.cookies() if cookie["name"] == STICKY)


def upload(page: Page, photo: Path) -> None:
    page.get_by_role("button", name="New photo").click()
    page.locator("input[type=file]").first.set_input_files(photo)
    page.locator(f'input[aria-label="Name"][value="{photo.stem}"]').first.wait_for()
    page.keyboard.press("Escape")
    settle(page)


def sweep(page: Page, seeds: str) -> None:
    """Use the photo that is shown in a sweep of two cells, and wait for its end."""
    page.get_by_role("button", name="Use in sweep →").click()
    page.wait_for_url(re.compile("/sweep"))
    settle(page)
    for label, text in (("Prompt", "a beach"), ("Steps", "3"), ("Guidance", "2"), ("Seed", seeds)):
        fill(page, label, text)
    expect(page.get_by_text("2 cells: 0 known, 2 to make")).to_be_visible(timeout=PATIENCE_SECONDS * 1000)
    page.get_by_role("button", name=re.compile("^Run")).click()
    page.wait_for_url(re.compile("id="))
    expect(page.get_by_role("button", name="Compare these")).to_be_visible(timeout=PATIENCE_SECONDS * 1000)


def sees_pictures(page: Page) -> bool:
    expect(page.locator("td img[alt^='a beach']")).to_have_count(2)
    page.wait_for_function(
        "[...document.querySelectorAll('td img')].every(each => each.complete && each.naturalWidth > 1)"
    )
    return True


def pictures_alike(context: BrowserContext, url: str, store: Store) -> bool:
    """Whether each picture and thumbnail has the same bytes from both servers."""
    names = [each for run in store.runs.select() for each in (picture_url(run.image), thumbnail_url(run.image))]
    login = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies() if each["name"] != STICKY)
    for name in names:
        cookies = [f"{login}; {STICKY}={letter}" for letter in ("a", "b")]
        answers = [context.request.get(f"{url}/{name}", headers={"Cookie": each}) for each in cookies]
        if [each.status for each in answers] != [200, 200] or answers[0].body() != answers[1].body():
            return False
    return bool(names)


def drive(browser: Browser, url: str, front_ends: FrontEnds, store: Store, folder: Path) -> dict[str, object]:
    """What a person does, and what became of it."""
    photos = [folder / "first photo.jpg", folder / "second photo.jpg"]
    with Image.open(BytesIO(SAMPLES[0].read())) as sample:  # the page begins with the sample itself
        for photo, side in zip(photos, (480, 400), strict=True):
            sample.convert("RGB").resize((side, side)).save(photo)
    told: dict[str, object] = {}
    context, page = visitor(browser, url)
    first = server_of(context)
    (login,) = [cookie for cookie in context.cookies() if cookie["name"] == "bgen_login"]
    told["the login is for https alone"] = login["secure"]
    upload(page, photos[0])
    sweep(page, "1-2")
    told["uploaded and swept at one server"] = sees_pictures(page)

    other = "b" if first == "a" else "a"
    context_there, page_there = visitor(browser, url, at=other)
    page_there.goto(page.url)
    settle(page_there)
    told["seen at the other one"] = sees_pictures(page_there) and server_of(context_there) == other
    told["pictures have the same bytes at both"] = pictures_alike(context, url, store)

    front_ends.kill(first)
    page.reload()
    settle(page)
    told["after its server was killed, a reload shows the sweep"] = sees_pictures(page) and server_of(context) == other
    page.goto(url)
    settle(page)
    upload(page, photos[1])
    sweep(page, "3-4")
    told["uploads and sweeps go on there"] = sees_pictures(page)

    front_ends.start(first)
    time.sleep(11)  # nginx asks it again after 10 s
    page.reload()
    settle(page)
    told["it stays there when the first one is back"] = sees_pictures(page) and server_of(context) == other
    context_here, _ = visitor(browser, url, at=first)
    told["the first one is visited again"] = server_of(context_here) == first
    told["traces in the logs"] = sum(front_ends.log(each).read_text().count("Traceback") for each in ("a", "b"))
    return told


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bgen-front-", ignore_cleanup_errors=True))
        )
        shared = stack.enter_context(shared_places())
        os.environ.update(shared.environment)
        front_ends = FrontEnds(folder)
        stack.callback(front_ends.stop)
        store = stack.enter_context(open_store(load_settings(home=folder / "looks")))
        stack.enter_context(_painting(folder))
        for letter in ("a", "b"):
            front_ends.start(letter)
        url = stack.enter_context(running_nginx(folder, front_ends.ports))
        browser = stack.enter_context(running_chromium())
        told = drive(browser, url, front_ends, store, folder)
    print(json.dumps(told, indent=1))
    sys.exit(not all(bool(value) != name.startswith("traces") for name, value in told.items()))


@contextmanager
def _painting(folder: Path) -> Iterator[None]:
    """A painter on the processor, as a machine of a cluster has one; which place it has is all that Ray would add."""
    environment = os.environ | {"BGEN_HOME": str(folder / "gpu"), "BGEN_DEVICE": "cpu"}
    with (folder / "painter.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-c", PAINT], cwd=PROJECT, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
