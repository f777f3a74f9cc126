#!/usr/bin/env python3
"""Fetch the pinned front-end packages into `static/vendor/`, or prove offline that nobody has changed them.

    python tools/vendor.py            # fetch: needs npm and the network; writes static/vendor/vendor.lock.json
    python tools/vendor.py --check    # re-hash every vendored file against the lock: offline, no Node, a second

The product never needs Node: what a browser loads is committed. A package is accepted only when its archive has the
sha512 written here. Source maps are cut off (`PATCHES` says what else is changed and why), so that the static-file
manifest has nothing to miss. Licence texts travel with the files.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
LOCK = VENDOR / "vendor.lock.json"
SOURCE_MAP = re.compile(r"\n?(?:/\*# sourceMappingURL=\S+ \*/|//# sourceMappingURL=\S+)\n?")


@dataclass(frozen=True)
class Package:
    """One npm package: what is taken from it, and the checksum its archive must have."""

    name: str
    version: str
    licence: str
    integrity: str
    folder: str
    files: tuple[str, ...]
    licence_file: str = "LICENSE"
    patches: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


PACKAGES = (
    Package(
        "bootstrap",
        "5.3.9",
        "MIT",
        "sha512-20cU0rcfw8WdxtVbmfU+xT2EjvVTw9Ror/h1Qvd7DXCujRg8OO9mdBCsmTHdJFf3BuadmBNJtgIuUXsBqSkk/w==",
        "bootstrap-5.3.9",
        ("dist/css/bootstrap.min.css", "dist/js/bootstrap.bundle.min.js"),
    ),
    Package(
        "htmx.org",
        "2.0.11",
        "0BSD",
        "sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        "htmx-2.0.11",
        ("dist/htmx.min.js",),
    ),
    Package(
        "idiomorph",
        "0.8.0",
        "0BSD",
        "sha512-R47JBL+6jHDQvcnbppIUtXXcxi5h6+wuCEEZXnRhUltsgzPFKzThL5PuHppP9ypJuy+7WawcY1TsSBD/iQbMhw==",
        "idiomorph-0.8.0",
        ("dist/idiomorph-ext.min.js",),
    ),
    Package(
        "flatpickr",
        "4.6.13",
        "MIT",
        "sha512-97PMG/aywoYpB4IvbvUJi0RQi8vearvU0oov1WW3k0WZPBMrTQVqekSX5CjSG/M4Q3i6A/0FKXC7RyAoAUUSPw==",
        "flatpickr-4.6.13",
        ("dist/flatpickr.min.css", "dist/flatpickr.min.js", "dist/l10n/zh.js"),
        licence_file="LICENSE.md",
    ),
    Package(
        "tom-select",
        "2.6.2",
        "Apache-2.0",
        "sha512-eiXIkk82XzzUTOVQDFpy+ZGejuqdTvMukyUyeZBQaKnqW42UoTiTZnrod/eX0rkqJEc4rZY9DZ3zdjV07i29wQ==",
        "tom-select-2.6.2",
        ("dist/css/tom-select.bootstrap5.min.css", "dist/js/tom-select.complete.min.js"),
        # color-mix needs Chrome 111; the promise is Chrome 110 and Firefox 115.
        patches={
            "dist/css/tom-select.bootstrap5.min.css": (
                ("background:color-mix(var(--bs-body-bg),#d0d0d0,85%)", "background:var(--bs-tertiary-bg)"),
            )
        },
    ),
)

ICONS = Package(
    "@tabler/icons",
    "3.51.0",
    "MIT",
    "sha512-0pinvPZz7YeX+OSfxuEAbnEPWbocVXW5iU8h5lh41pYG8sZuQfpWECC980lxOT0clGIcNGn8xsBr+zKaRGdA/g==",
    "icons-3.51.0",
    (),
)

# Drawn here, on the same grid of 24: a stop sign that stays one at 12 pixels, where the package's rounded octagon becomes a dot.
OWN = {
    "own/octagon": '<path fill-rule="evenodd" d="M7.5 1.5h9l6 6v9l-6 6h-9l-6 -6v-9zM9.6 8l-1.6 1.6l2.4 2.4l-2.4 2.4l1.6 1.6l2.4 -2.4'
    'l2.4 2.4l1.6 -1.6l-2.4 -2.4l2.4 -2.4l-1.6 -1.6l-2.4 2.4z" />',
}

# Our name of a glyph -> its file in the package. State marks are filled: shape carries the meaning in greyscale.
GLYPHS = {
    "adjustments": "outline/adjustments",
    "affiliate": "outline/affiliate",
    "alert": "filled/alert-triangle",
    "alert-octagon": "filled/alert-octagon",
    "arrow-down": "outline/arrow-down",
    "arrow-left": "outline/arrow-left",
    "arrow-right": "outline/arrow-right",
    "arrow-up": "outline/arrow-up",
    "auto": "outline/contrast",
    "ban": "outline/ban",
    "bell": "outline/bell",
    "book": "outline/book",
    "box": "outline/package",
    "broom": "outline/eraser",
    "calendar": "outline/calendar",
    "chart": "outline/chart-bar",
    "check": "outline/check",
    "check-circle": "filled/circle-check",
    "chevron-down": "outline/chevron-down",
    "chevron-left": "outline/chevron-left",
    "chevron-right": "outline/chevron-right",
    "chevron-up": "outline/chevron-up",
    "circle": "outline/circle",
    "circle-dashed": "outline/circle-dashed",
    "clock": "outline/clock",
    "clock-filled": "filled/clock",
    "coin": "outline/coin",
    "columns": "outline/columns",
    "compare": "outline/git-compare",
    "copy": "outline/copy",
    "cross": "outline/x",
    "cross-circle": "filled/circle-x",
    "database": "outline/database",
    "device": "outline/device-desktop",
    "dot": "filled/point",
    "dots": "outline/dots",
    "download": "outline/download",
    "edit": "outline/edit",
    "external": "outline/external-link",
    "eye": "outline/eye",
    "file": "outline/file-text",
    "filter": "outline/filter",
    "gauge": "outline/gauge",
    "help": "outline/help-circle",
    "history": "outline/history",
    "home": "outline/home",
    "hourglass": "filled/hourglass",
    "info": "filled/info-circle",
    "key": "outline/key",
    "keyboard": "outline/keyboard",
    "language": "outline/language",
    "list": "outline/list",
    "list-check": "outline/list-check",
    "loader": "outline/loader-2",
    "lock": "filled/lock",
    "logout": "outline/logout",
    "mail": "outline/mail",
    "menu": "outline/menu-2",
    "minus": "outline/minus",
    "moon": "outline/moon",
    "octagon": "own/octagon",
    "pause": "filled/player-pause",
    "pencil": "outline/pencil",
    "photo": "outline/photo",
    "play": "filled/player-play",
    "plug": "outline/plug",
    "plus": "outline/plus",
    "progress": "outline/progress",
    "question": "outline/question-mark",
    "receipt": "outline/receipt",
    "refresh": "outline/refresh",
    "search": "outline/search",
    "send": "outline/send",
    "settings": "outline/settings",
    "shield": "outline/shield",
    "shield-check": "outline/shield-check",
    "sort": "outline/selector",
    "speaker": "outline/speakerphone",
    "square": "filled/square",
    "stop": "filled/octagon-minus",
    "store": "outline/building-store",
    "sun": "outline/sun",
    "table": "outline/table",
    "tag": "outline/tag",
    "ticket": "outline/ticket",
    "trash": "outline/trash",
    "undo": "outline/arrow-back-up",
    "upload": "outline/upload",
    "user": "outline/user",
    "users": "outline/users",
    "world": "outline/world",
}


def digest(data: bytes) -> str:
    """Return the sha512 of `data` in npm's notation (`sha512-<base64>`)."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def unpack(package: Package, scratch: Path) -> Path:
    """Fetch one package with npm into `scratch`, check its sha512, and return the unpacked folder.

    Raises SystemExit when the archive is not the pinned one.
    """
    spec = f"{package.name}@{package.version}"
    answer = subprocess.run(
        ["npm", "pack", "--silent", "--json", spec], cwd=scratch, check=True, capture_output=True, text=True
    )
    archive = scratch / json.loads(answer.stdout)[0]["filename"]
    found = digest(archive.read_bytes())
    if found != package.integrity:
        sys.exit(f"{spec}: archive has {found}, expected {package.integrity}")
    target = scratch / package.folder
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def clean(text: str, patches: tuple[tuple[str, str], ...]) -> str:
    """Return `text` without its source-map line and with `patches` applied, each exactly once."""
    text = SOURCE_MAP.sub("\n", text)
    for old, new in patches:
        if text.count(old) != 1:
            sys.exit(f"patch no longer fits: {old}")
        text = text.replace(old, new)
    return text


def drawing(svg: str) -> str:
    """Return what a glyph of the package draws, without its frame and its invisible ground."""
    body = svg.split(">", 1)[1].rsplit("</svg>", 1)[0]
    return re.sub(r'\s*<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "", body)


def sprite(icons: Path) -> str:
    """Return one SVG with a `<symbol>` for each of GLYPHS; presentation attributes only, so a strict CSP is content."""
    symbols = []
    for name, source in sorted(GLYPHS.items()):
        body = OWN.get(source) or drawing((icons / f"{source}.svg").read_text(encoding="utf-8"))
        paint = (
            'fill="currentColor"'
            if source.startswith(("filled/", "own/"))
            else 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
        )
        body = re.sub(r"\s*\n\s*", "", body)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24"><g {paint}>{body}</g></symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def fetch() -> None:
    """Replace `static/vendor/` with freshly fetched files and write the lock."""
    lock: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        shutil.rmtree(VENDOR, ignore_errors=True)
        for package in (*PACKAGES, ICONS):
            source = unpack(package, scratch)
            target = VENDOR / package.folder
            target.mkdir(parents=True)
            written: dict[str, bytes] = {
                Path(path).name: clean(
                    (source / path).read_text(encoding="utf-8"), package.patches.get(path, ())
                ).encode()
                for path in package.files
            }
            if package is ICONS:
                written["sprite.svg"] = sprite(source / "icons").encode()
            written["LICENSE"] = (source / package.licence_file).read_bytes()
            for file, data in written.items():
                (target / file).write_bytes(data)
            lock[package.name] = {
                "version": package.version,
                "licence": package.licence,
                "archive": package.integrity,
                "changed": sorted(Path(path).name for path in package.patches),
                "files": {f"{package.folder}/{file}": digest(data) for file, data in sorted(written.items())},
            }
    LOCK.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def check() -> list[str]:
    """Return what differs between `static/vendor/` and its lock; an empty list when all is as locked."""
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    problems = []
    known = {LOCK.name}
    for package in (*PACKAGES, ICONS):
        entry = lock.get(package.name)
        if not entry or (entry["version"], entry["archive"]) != (package.version, package.integrity):
            problems.append(f"{package.name}: the lock is not at {package.version}; run tools/vendor.py")
    for name, entry in lock.items():
        for path, expected in entry["files"].items():
            known.add(path)
            file = VENDOR / path
            if not file.exists():
                problems.append(f"{name}: {path} is missing")
            elif digest(file.read_bytes()) != expected:
                problems.append(f"{name}: {path} was changed")
    for file in VENDOR.rglob("*"):
        if file.is_file() and str(file.relative_to(VENDOR)) not in known:
            problems.append(f"{file.relative_to(VENDOR)} is in no package of the lock")
    return problems


def main() -> int:
    """Run the command line; the exit status is 1 when a check fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="compare with the lock, offline")
    if not parser.parse_args().check:
        fetch()
    problems = check()
    print("\n".join(problems) or f"static/vendor: {len(json.loads(LOCK.read_text()))} packages as locked")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
