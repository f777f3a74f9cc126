#!/usr/bin/env python3
"""The two languages: collect the words, bring in the translations, compile, and refuse what would read badly.

    python tools/messages.py extract    # sources + locale/parts/*.po -> locale/zh_Hans/LC_MESSAGES/django.po
    python tools/messages.py compile    # -> django.mo (ignored by git)
    python tools/messages.py check      # exit 1 and one line for each fault
    python tools/messages.py update     # extract, then compile
    python tools/messages.py missing    # prints entries without Chinese, ready to fill in

Needs Babel and Django, not GNU gettext. Source strings are English; each room keeps its translations in
`locale/parts/<room>.po`. A part whose name begins with `_` overrides words of other packages (Django, allauth) and is
kept whether or not our sources use them.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from core.catalogue import compile_catalogue  # noqa: E402 - the tool runs from any folder

LOCALE = ROOT / "locale"
PARTS = LOCALE / "parts"
CATALOGUE = LOCALE / "zh_Hans" / "LC_MESSAGES" / "django.po"
SKIP = {
    ".venv",
    "var",
    "static",
    "tools",
    "tests",
    "migrations",
    "benchmarks",
    "locale",
    "docs",
    "node_modules",
    ".git",
}
Spec = tuple[int | tuple[int, str], ...] | None
FUNCTIONS: dict[str, Spec] = {
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
KEYWORDS: dict[str, Spec] = {
    name + suffix: spec for name, spec in FUNCTIONS.items() for suffix in ("", "_lazy", "_noop")
}
KEYWORDS["_"] = None
ALIAS = re.compile(r"\b(\w*gettext\w*) as (\w+)")

CJK = r"[㐀-䶿一-鿿]"
HALF_WIDTH = re.compile(rf"(?<={CJK})[,;:!?()]|[,;:!?()](?={CJK})|(?<={CJK})\.(?!\w)")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
QUOTED_PLACEHOLDER = re.compile(r"「[^」]*(?:%\(|%[sd]|\{)[^」]*」")
# 「取消」 also labels the button that closes a dialog: the sources count 98.6 % of mistaken closes there (R8).
LONE = re.compile(r"^\W*(?:取消|cancel)\W*$", re.IGNORECASE)
LEADING = re.compile(r"^\W*(?:取消|cancel\b(?! campaigns? permanently| held))", re.IGNORECASE)
AVOID = (
    (re.compile("原价"), "原价 has a legal meaning: write 销售价"),
    (re.compile(r"T\+2"), "T+2 reads as two days: write 延迟约2小时"),
    (re.compile(r"^\W*(?:关闭活动|删除活动)\W*$"), "say whether it is 暂停 or 永久取消活动"),
    (re.compile(r"^\W*(?:(?:保存|操作|提交)?成功)\W*$"), "a saved message is no proof: 已提交 → 前台已核实"),
)
LETTER_BY_LETTER = ("价格保护(Price Protection)",)


@dataclass(frozen=True)
class Words:
    """One translatable text of the sources: its English, plural and context, and the file it was seen in."""

    english: str
    plural: str | None
    context: str | None
    file: str


def sources() -> Iterator[Path]:
    """Every Python file and template that may hold words, in a stable order."""
    for path in sorted(ROOT.glob("*")):
        if path.is_dir() and path.name not in SKIP and not path.name.startswith("."):
            for file in sorted(path.rglob("*")):
                if file.suffix in (".py", ".html", ".txt") and not SKIP.intersection(file.relative_to(ROOT).parts):
                    yield file


def words_of(file: Path) -> Iterator[Words]:
    """The translatable texts of one file."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        # Inside brackets Python knows no indentation, so the blanked-out template tokenises.
        text = f"(\n{templatize(text, origin=str(file))}\n)"
    elif "gettext" not in text:
        return
    name = str(file.relative_to(ROOT))
    # A module that needs both the lazy and the immediate word gives one of them another name.
    aliases = {alias: known for known, alias in ALIAS.findall(text) if known in KEYWORDS and alias != "_"}
    keywords = KEYWORDS | {alias: KEYWORDS[known] for alias, known in aliases.items()}
    found = extract_python(io.BytesIO(text.encode()), keywords, [], {"encoding": "utf-8"})
    for _line, called, message, _comments in found:
        function = aliases.get(called or "", called)
        parts = list(message) if isinstance(message, tuple) else [message]
        context = parts.pop(0) if "pgettext" in (function or "") else None
        if parts and isinstance(parts[0], str) and parts[0]:
            plural = (
                parts[1]
                if len(parts) > 1 and "ngettext" in (function or "") or "npgettext" in (function or "")
                else None
            )
            yield Words(parts[0], plural, context, name)


def read(path: Path) -> Catalog:
    """A catalogue from disk; an empty one when there is none."""
    if not path.exists():
        return Catalog(locale="zh_Hans")
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def messages(catalogue: Catalog) -> Iterator[Message]:
    """The entries without the header."""
    return (message for message in catalogue if message.id)


def english_of(message: Message) -> str:
    """The singular source text."""
    return message.id[0] if isinstance(message.id, (tuple, list)) else message.id


def chinese_of(message: Message) -> str:
    """The Chinese text; Chinese has one form for all numbers."""
    text = message.string
    return (text[0] if text else "") if isinstance(text, (tuple, list)) else (text or "")


def merged() -> tuple[Catalog, list[str]]:
    """The catalogue as sources and parts make it today, and the quarrels between parts."""
    known: dict[tuple[str, str | None], tuple[str, str]] = {}
    quarrels, kept = [], []
    for message in messages(read(CATALOGUE)):
        known[english_of(message), message.context] = (chinese_of(message), "django.po")
    for path in sorted(PARTS.glob("*.po")):
        for message in messages(read(path)):
            key, chinese = (english_of(message), message.context), chinese_of(message)
            if path.name.startswith("_"):
                kept.append(Words(key[0], None, key[1], f"locale/parts/{path.name}"))
            before = known.get(key)
            if before and chinese and before[1] != "django.po" and before[0] != chinese:
                quarrels.append(f"{path.name} and {before[1]} disagree on “{key[0]}”: {chinese} / {before[0]}")
            if chinese:
                known[key] = (chinese, path.name)
    catalogue = Catalog(locale="zh_Hans", project="backoffice", charset="utf-8", fuzzy=False)
    catalogue.header_comment = "# Made by tools/messages.py extract; translations come from locale/parts."
    for words in (*kept, *(words for file in sources() for words in words_of(file))):
        chinese = known.get((words.english, words.context), ("", ""))[0]
        ids = (words.english, words.plural) if words.plural else words.english
        catalogue.add(ids, (chinese,) if words.plural else chinese, [(words.file, 0)], context=words.context)
    return catalogue, quarrels


def serialise(catalogue: Catalog) -> bytes:
    """The file's text: sorted, without dates and line numbers, so that it changes only when words do."""
    out = io.BytesIO()
    write_po(out, catalogue, sort_output=True, width=10_000, include_lineno=False, omit_header=True)
    header = (
        f"{catalogue.header_comment}\n"
        'msgid ""\nmsgstr ""\n"Language: zh_Hans\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        '"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    )
    return header.encode() + out.getvalue()


def extract() -> list[str]:
    """Write the catalogue; returns what is wrong with the parts."""
    catalogue, quarrels = merged()
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    CATALOGUE.write_bytes(serialise(catalogue))
    entries = list(messages(catalogue))
    print(f"{len(entries)} texts, {sum(not chinese_of(entry) for entry in entries)} without Chinese")
    return quarrels


def compile_command() -> list[str]:
    """Write django.mo; the product does the same at its start when the file is missing or older."""
    return [] if compile_catalogue(CATALOGUE) else [f"{CATALOGUE.parent} may not be written"]


def faults_of(english: str, chinese: str) -> Iterator[str]:
    """What is wrong with one pair of texts."""
    if not chinese:
        yield "no Chinese"
        return
    if sorted(PLACEHOLDER.findall(english)) != sorted(PLACEHOLDER.findall(chinese)):
        yield f"placeholders differ: {chinese}"
    bare = PLACEHOLDER.sub("0", chinese)
    for exception in LETTER_BY_LETTER:
        bare = bare.replace(exception, "")
    if HALF_WIDTH.search(bare):
        yield f"half-width punctuation: {chinese}"
    if QUOTED_PLACEHOLDER.search(chinese):
        yield f"a placeholder inside 「」: {chinese}"
    yield from (f"{why}: {chinese}" for pattern, why in AVOID if pattern.search(chinese))
    for text in (english, chinese):
        if LONE.match(text) or (LEADING.match(text) and len(text) < 40):
            yield f"“{text}”: 取消 / Cancel never stands alone; 返回，不做更改 · 永久取消活动 · 撤回取消"


def check() -> list[str]:
    """Every fault of the catalogue as sources and parts make it today."""
    catalogue, problems = merged()
    for message in messages(catalogue):
        for fault in faults_of(english_of(message), chinese_of(message)):
            where = ", ".join(sorted({file for file, _ in message.locations})[:2])
            problems.append(f"{where}: “{english_of(message)}”: {fault}")
    on_disk = read(CATALOGUE)
    for message in on_disk:
        if message.fuzzy and message.id:
            problems.append(f"fuzzy: “{english_of(message)}”")
    if CATALOGUE.exists() and CATALOGUE.read_bytes() != serialise(catalogue):
        problems.append("locale/zh_Hans/LC_MESSAGES/django.po is behind the sources: run tools/messages.py extract")
    return problems


def update() -> list[str]:
    """Extract, then compile."""
    return extract() + compile_command()


def print_missing() -> list[str]:
    """Print entries without Chinese as part-file text."""
    catalogue, _ = merged()
    for message in messages(catalogue):
        if not chinese_of(message):
            lines: Iterable[str] = sorted({file for file, _ in message.locations})
            single = Catalog(locale="zh_Hans")
            single.add(message.id, context=message.context)
            out = io.BytesIO()
            write_po(out, single, omit_header=True, width=10_000)
            print(f"#: {' '.join(lines)}\n{out.getvalue().decode().strip()}\n")
    return []


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 1 when something is wrong."""
    commands = {
        "extract": extract,
        "merge": extract,
        "compile": compile_command,
        "check": check,
        "update": update,
        "missing": print_missing,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("command", choices=sorted(commands))
    arguments = parser.parse_args(argv)
    if not settings.configured:
        settings.configure(USE_I18N=True)
        django.setup()
    problems = commands[arguments.command]()
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
