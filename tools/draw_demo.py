"""Draw the demo's pictures: one SVG a product, a logo and a banner a store. `python tools/draw_demo.py DIR_OF_OUTLINE_ICONS`.

The glyphs are Tabler's outline icons (MIT); ground, shadow and pattern are ours. The result is committed under static/demo/.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "static" / "demo"
#: Ground, deeper ground, ink.
GROUNDS = [
    ("#EAF1FB", "#D3E2F7", "#1F4E8C"),
    ("#FBF1E6", "#F6E0C8", "#8A5300"),
    ("#EAF6EE", "#D0EBD8", "#12693A"),
    ("#F5EEFB", "#E6D7F5", "#6B3FA0"),
    ("#FBECEC", "#F6D6D4", "#9E2B23"),
    ("#E9F5F6", "#CDE9EB", "#0F5F68"),
    ("#F3F3EC", "#E3E3D3", "#55562F"),
]
PRODUCTS = {
    "PC-DRS-001-S": "hanger-2", "PC-KNT-014-M": "shirt", "PC-JKT-022-L": "jacket", "PC-SCF-003": "infinity", "PC-PJS-008-M": "moon",
    "PC-SNK-031-38": "shoe", "PC-TOT-005": "shopping-bag", "PC-EAR-040": "diamond", "PC-WIG-012": "mood-kid",
    "RL-EBD-100-BK": "headphones", "RL-SPK-120": "device-speaker", "RL-CAM-210": "device-computer-camera", "RL-CBL-001-1M": "usb",
    "RL-CSE-077": "device-mobile", "RL-PWR-020": "battery-charging", "RL-KBD-061": "keyboard", "RL-WCH-009": "device-watch",
    "HH-VAC-015": "vacuum-cleaner", "HH-PLT-033": "plant-2", "HH-PET-051": "bone", "HH-STL-007": "armchair", "HH-LMP-018": "lamp",
    "HH-DRL-002": "tool", "HH-MKP-090": "brush",
    "sock": "sock", "backpack": "backpack", "bed": "bed", "plug": "plug", "clock": "clock", "camera": "camera",
}  # fmt: skip


def glyph(folder: Path, name: str) -> str:
    """The paths of an icon."""
    text = (folder / f"{name}.svg").read_text()
    return "".join(
        part for part in re.findall(r"<(?:path|circle|rect|line|polyline)[^>]*/>", text) if 'stroke="none"' not in part
    )


def picture(code: str, paths: str) -> str:
    """A square product picture; ground and pattern follow from the code, so that it never changes."""
    seed = hashlib.sha256(code.encode()).digest()
    ground, deep, ink = GROUNDS[seed[0] % len(GROUNDS)]
    x, y, r = 60 + seed[1] % 120, 60 + seed[2] % 90, 120 + seed[3] % 80
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400">'
        f'<rect width="400" height="400" fill="{ground}"/><circle cx="{400 - x}" cy="{y}" r="{r}" fill="{deep}"/>'
        f'<ellipse cx="200" cy="318" rx="92" ry="13" fill="{deep}"/>'
        f'<g transform="translate(92 82) scale(9)" fill="none" stroke="{ink}" stroke-width="1.35" stroke-linecap="round" '
        f'stroke-linejoin="round">{paths}</g></svg>\n'
    )


def logo(letter: str, ink: str) -> str:
    """A square mark with one letter."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" width="800" height="800">'
        f'<rect width="800" height="800" rx="120" fill="{ink}"/><circle cx="400" cy="400" r="270" fill="#FFF" opacity=".14"/>'
        f'<text x="400" y="540" font-family="Georgia,serif" font-size="400" fill="#FFF" text-anchor="middle">{letter}</text></svg>\n'
    )


def banner(ground: str, deep: str) -> str:
    """A wide quiet pattern."""
    dots = "".join(
        f'<circle cx="{80 + i * 145}" cy="{150 + (i * 67) % 120}" r="{60 + (i * 31) % 70}"/>' for i in range(9)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 300" width="1200" height="300">'
        f'<rect width="1200" height="300" fill="{ground}"/><g fill="{deep}">{dots}</g></svg>\n'
    )


def main() -> None:
    """Draw everything."""
    folder = Path(sys.argv[1])
    OUT.mkdir(parents=True, exist_ok=True)
    for code, name in PRODUCTS.items():
        (OUT / f"{code.lower()}.svg").write_text(picture(code, glyph(folder, name)))
    for letter, slug, at in (
        ("P", "pinecone", 2),
        ("R", "riverlamp", 0),
        ("H", "halfhill", 1),
        ("M", "riceboat", 5),
        ("K", "kitebutton", 3),
    ):
        (OUT / f"{slug}-logo.svg").write_text(logo(letter, GROUNDS[at][2]))
        (OUT / f"{slug}-banner.svg").write_text(banner(GROUNDS[at][0], GROUNDS[at][1]))


if __name__ == "__main__":
    main()
