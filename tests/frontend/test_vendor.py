"""What a browser loads is what was pinned, byte for byte; checked offline."""

from __future__ import annotations

import shutil

import pytest

from tools import vendor


def test_vendored_files_are_as_locked():
    assert vendor.check() == []


@pytest.fixture
def copy(tmp_path, monkeypatch):
    target = tmp_path / "vendor"
    shutil.copytree(vendor.VENDOR, target)
    monkeypatch.setattr(vendor, "VENDOR", target)
    monkeypatch.setattr(vendor, "LOCK", target / vendor.LOCK.name)
    return target


def test_a_changed_file_is_noticed(copy):
    with (copy / "htmx-2.0.11" / "htmx.min.js").open("a") as file:
        file.write(" ")
    assert vendor.check() == ["htmx.org: htmx-2.0.11/htmx.min.js was changed"]


def test_a_missing_and_a_stray_file_are_noticed(copy):
    (copy / "idiomorph-0.8.0" / "LICENSE").rename(copy / "idiomorph-0.8.0" / "LICENCE")
    assert vendor.check() == [
        "idiomorph: idiomorph-0.8.0/LICENSE is missing",
        "idiomorph-0.8.0/LICENCE is in no package of the lock",
    ]


def test_another_version_needs_a_new_lock(copy, monkeypatch):
    other = vendor.Package("htmx.org", "2.0.12", "0BSD", "sha512-x", "htmx-2.0.11", ())
    monkeypatch.setattr(vendor, "PACKAGES", tuple(p if p.name != "htmx.org" else other for p in vendor.PACKAGES))
    assert vendor.check() == ["htmx.org: the lock is not at 2.0.12; run tools/vendor.py"]


def test_every_package_brings_its_licence_text():
    for package in (*vendor.PACKAGES, vendor.ICONS):
        assert (vendor.VENDOR / package.folder / "LICENSE").stat().st_size > 300


def test_the_sprite_holds_every_glyph():
    sprite = (vendor.VENDOR / vendor.ICONS.folder / "sprite.svg").read_text()
    assert [name for name in vendor.GLYPHS if f'<symbol id="{name}"' not in sprite] == []
