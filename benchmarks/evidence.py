"""From the click on Pause to the proof: how soon no public page shows the promotion, and how soon the operator's page says so.

The real product (`manage.py up`: its own servers, web, workers, beat) with a thousand real products on promotion on two language sites. The
stop goes through the pages as a browser sends it; the page with the evidence is asked as the browser's script asks it.
"""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import os
import re
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from backoffice.demo import DEMO_PASSWORD
from benchmarks.frame import MIB, Line, publish
from policies.rules import ProbeRules
from tests.e2e.gifts import OWNER, UCI, GiftShop
from tests.e2e.product import Product
from tests.servers.stack import Stack, open_folder

GOAL = 5.0  # seconds to the proof
LIMIT = 300.0  # seconds after which a run is given up
MEMORY_GOAL = 300 * MIB
#: Times of a life that is not to disturb the measurement: no check but the first look, and no lock between two rounds.
TIMES = {"POST_CLOSE_CHECK_DELAYS": "86400,86401,86402", "OPERATION_LOCK": "1"}
READ = re.compile(r"([\d,]+) of ([\d,]+) public pages read, ([\d,]+) visits")


@dataclass
class Round:
    """Seconds from the submit of one stop; `bare` is what reading the same pages costs without looking at them."""

    off: float = 0.0
    first: float = 0.0
    every: float = 0.0
    page: float = 0.0
    bare: float = 0.0


class Window:
    """A browser's way through the pages, without the browser: cookies, forms, redirects."""

    def __init__(self, base: str) -> None:
        self.base = base
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)
        self._opener.addheaders = [("Accept-Language", "en"), ("Origin", base)]

    def get(self, path: str) -> str:
        """A page's text."""
        with self._opener.open(self.base + path, timeout=60) as reply:
            return str(reply.read().decode())

    def send(self, path: str, **fields: str) -> str:
        """Open a page, fill in the last form that posts, send it; answers where that led."""
        form = self.get(path).rpartition("<main")[2]
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
        data = urllib.parse.urlencode(dict(hidden) | fields).encode()
        request = urllib.request.Request(self.base + path, data=data, headers={"Referer": self.base + path})
        with self._opener.open(request, timeout=60) as reply:
            return str(reply.geturl())


@dataclass
class Case:
    """The shop with its running promotion."""

    shop: GiftShop
    window: Window
    code: str
    pages: list[str]
    stack: Stack
    rounds: list[Round] = field(default_factory=list)
    peak: int = 0

    @property
    def path(self) -> str:
        """The campaign's page."""
        return f"/s/gifts/campaigns/{self.code}/"

    def measure(self) -> None:
        """Pause, look on until everything is read, resume, wait until the promotion is on every page again."""
        one = Round(page=_timed(lambda: _read([self.pages[0]])))
        began = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            off = pool.submit(self._off_after, began)
            read = pool.submit(self._read_after, began)
            self.window.send(f"{self.path}stop/", reason="poor_effect")
            one.off = off.result()
            one.first, one.every = read.result()
        self.peak = max(self.peak, _peak(self.stack))
        one.bare = _timed(lambda: _read(self.pages))
        self.rounds.append(one)
        self.shop.call("POST", f"/campaigns/{self.code}/resume", {})
        self.wait_until_shown()

    def _off_after(self, began: float) -> float:
        tag = f'data-campaign="{self.code}"'
        return _until(lambda: tag not in self.shop.product.page(self.pages[-1]), began, every=0.1)

    def _read_after(self, began: float) -> tuple[float, float]:
        """When each page has been read once, and when each client has read each."""
        address = f"{self.path}evidence/"
        onlooker = Window(self.window.base)
        sign_in(onlooker)
        first = 0.0
        while True:
            found = READ.search(onlooker.get(address))
            passed = time.perf_counter() - began
            if found and passed:
                done, total, visits = (int(number.replace(",", "")) for number in found.groups())
                first = first or (passed if done == total == len(self.pages) else 0.0)
                if first and visits == 3 * total:
                    return first, passed
            if passed > LIMIT:
                raise RuntimeError(f"not read in {LIMIT:.0f} s: {found and found.group()}")
            time.sleep(0.5)

    def wait_until_shown(self) -> None:
        """Until every page wears the tag."""
        tag = f'data-campaign="{self.code}"'
        began = time.perf_counter()
        for sample in (self.pages[-1:], self.pages[::50], self.pages):
            _until(partial(_all_show, sample, tag), began, every=1.0)


def sign_in(window: Window) -> None:
    """As the owner."""
    window.send("/account/login/", login=OWNER, password=DEMO_PASSWORD)


def _until(seen: Callable[[], bool], began: float, *, every: float) -> float:
    while not seen():
        if time.perf_counter() - began > LIMIT:
            raise RuntimeError(f"it did not happen in {LIMIT:.0f} s")
        time.sleep(every)
    return time.perf_counter() - began


def _all_show(pages: Sequence[str], tag: str) -> bool:
    return all(tag in page for page in _read(pages))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _read(pages: Sequence[str], threads: int = 8) -> list[str]:
    """The texts of these pages, over kept connections."""
    parts = [pages[start::threads] for start in range(threads) if pages[start::threads]]
    with ThreadPoolExecutor(threads) as pool:
        return [text for texts in pool.map(_read_in_turn, parts) for text in texts]


def _read_in_turn(pages: Sequence[str]) -> list[str]:
    where = urlsplit(pages[0])
    with contextlib.closing(http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)) as client:
        texts = []
        for page in pages:
            client.request("GET", urlsplit(page).path)
            texts.append(client.getresponse().read().decode())
    return texts


def _peak(stack: Stack) -> int:
    """The most memory that any worker process has ever held, in bytes."""
    peaks = [0]
    for process in stack.family():
        with contextlib.suppress(psutil.Error, OSError):
            if "celery" in " ".join(process.cmdline()):
                found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
                peaks.append(int(found.group(1)) * 1024 if found else 0)
    return max(peaks)


def run(*, quick: bool) -> bool:
    """Measure and print; answers whether the proof of the first look came within the goal."""
    skus, rounds = (100, 1) if quick else (1000, 3)
    with open_folder() as folder, tempfile.TemporaryDirectory() as scratch:
        stack = Stack(data_dir=folder / "data", environment=TIMES, arguments=())
        try:
            stack.start()
            product = Product(stack, folder / "data", TIMES)
            shop = GiftShop(product, Path(scratch))
            goods = shop.goods(skus)
            code = shop.campaign("Gifts at four fifths", goods, timedelta(hours=6))
            window = Window(product.base)
            sign_in(window)
            case = Case(shop, window, code, [page for good in goods for page in good.pages], stack)
            case.wait_until_shown()
            for _ in range(rounds):
                case.measure()
            stack.interrupt()
        finally:
            stack.end_by_force()
    return _report(case, quick=quick)


def _report(case: Case, *, quick: bool) -> bool:
    def median(value: Callable[[Round], float]) -> float:
        return statistics.median(value(one) for one in case.rounds)

    pages, clients = len(case.pages), len(ProbeRules().clients)
    lines = [
        _line("no page shows it", median(lambda r: r.page), median(lambda r: r.off), case, "the next reading"),
        _line(f"{pages:,} pages read once", median(lambda r: r.bare), median(lambda r: r.first), case, f"≤ {GOAL:.0f} s"),
        _line(
            f"{pages * clients:,} readings by {clients} clients",
            median(lambda r: r.bare * clients), median(lambda r: r.every), case, "reported",
        ),
    ]  # fmt: skip
    goods = "real" if UCI.exists() else "made-up"
    intro = (
        f"Pause of a campaign over {pages // 2:,} {goods} products on two sites, sent through the pages to the running product: seconds"
        " from the submit (opening the form included) until a public page read in a loop shows no tag, and until the operator's page says"
        " that all pages were read once, and by every client. “Floor” is the same pages fetched over kept connections by eight threads"
        " that look at nothing (the first line: one page)."
        f" Medians of {len(case.rounds)}; peak memory is that of the largest worker process ever."
    )
    publish("Proof of a stop", lines, intro, keep=not quick)
    for one in case.rounds:
        print(one)
    print(f"load average {os.getloadavg()[0]:.1f}")
    return lines[1].ours <= GOAL and case.peak <= MEMORY_GOAL


def _line(work: str, floor: float, ours: float, case: Case, goal: str) -> Line:
    return Line(work, floor, ours, ours / floor, 0, case.peak, goal)
