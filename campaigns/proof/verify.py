#!/usr/bin/env python3
"""Check the proof of a closed campaign, with nothing but Python (3.9 or later) and this file.

    python3 verify.py proof.zip [--key verifier.txt]

Exit 0: whole. Exit 1: the first thing that is wrong is named. Exit 2: the file cannot be read as a proof at all. `--key` is the public key
of the audit log from somewhere you trust; without it the key inside the bundle is used, and this is said.

What it proves, in this order: no byte of the bundle was changed since it was made (`container`, `manifest`); the entries of the audit log
stand in the log that the checkpoint signs (`checkpoint`, `audit`); what was seen and the archive are those whose hashes the log holds
(`evidence`, `archive`); settings, decisions of the guards, figures and page follow from them (`campaign`, `guards`, `forecast`, `page`).
Of an open close it proves what the entry of the close itself holds, and says what nothing holds yet.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import json
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

FORMAT = "closing-proof/1"
#: Every file of a bundle, in its order; those in OPTIONAL may be missing.
NAMES = (
    "README.txt", "index.html", "campaign.json", "guards.json", "forecast.json", "report.json", "evidence.json", "archive.json",
    "items.jsonl", "audit.json", "checkpoint.txt", "verifier.txt", "verify.py", "manifest.json",
)  # fmt: skip
OPTIONAL = {"archive.json", "items.jsonl"}
_COMPARED = ("key", "forecast", "result", "facts")
_ARCHIVED = ("closed_at", "finalised_at", "forecast", "result", "differences")
CLOSES, _ARCHIVE, _COMPLETE = ("campaign.cancel", "campaign.end"), "campaign.archive", "campaign.close_complete"
#: The parts of a proof, and the entries of the log that hold each. What was decided the entry of the close may hold itself.
PARTS = {
    "settings": (_ARCHIVE,), "guards": CLOSES, "forecast": (_ARCHIVE, _COMPLETE), "result": (_ARCHIVE, _COMPLETE),
    "checks": (_COMPLETE,), "items": (_ARCHIVE,),
}  # fmt: skip
_OPEN = "the close was not verified in every point yet when this was made. Held by the log: {0}. Not held yet: {1}."
_WHOLE = "WHOLE: campaign {campaign} of {store}, closed {closed_at}; {entries} entries of a log of {log_size}, signed at {signed_at}"
_REOPENED = "the log holds another evidence, of when every point was verified; the close was opened again since. Ask for a later bundle."
README = (
    "The proof of a closed campaign. Open index.html to read it.\n"
    "To check it: python3 verify.py THIS.zip --key verifier.txt, with verify.py and verifier.txt (the public key) from somewhere you\n"
    "trust rather than from this bundle. report.json says how things stood when the bundle was made; everything else follows from\n"
    "entries of the signed audit log.\n\n"
    "这是一份活动关闭证明。打开 index.html 阅读。\n"
    "核验方法：python3 verify.py 本文件.zip --key verifier.txt；其中 verify.py 与 verifier.txt（公钥）请从您信任的来源取得，\n"
    "不要使用本包内的副本。report.json 记录导出时的状态，其余内容均可由已签名的操作日志推出。\n"
)
LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_DATE = (1 << 5) | 1  # 1980-01-01, so that equal content gives equal bytes
_MODE = 0o100644 << 16
_Entries = Sequence[Mapping[str, Any]]


class Wrong(Exception):
    """The first thing that is wrong: where, and what."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what = where, what


class NoProof(Exception):
    """Not a proof at all."""


# -- the container: a zip without compression, made by these lines alone, so that every byte of it is known -------------------


def shared_of(title: bytes, crc: int, size: int) -> bytes:
    """What the two heads of an entry share."""
    return struct.pack("<HHHHHIIIHH", 20, 0x800, 0, 0, _DATE, crc, size, size, len(title), 0)


def central_of(shared: bytes, title: bytes, start: int) -> bytes:
    """The line of an entry in the directory of the zip; it begins at `start`."""
    return _CENTRAL + struct.pack("<H", 0x0314) + shared + struct.pack("<HHHII", 0, 0, 0, _MODE, start) + title


def end_of(files: int, central: int, start: int) -> bytes:
    """The end of the zip: so many files, a directory so long that begins at `start`."""
    return _END + struct.pack("<HHHHIIH", 0, 0, files, files, central, start, 0)


def pack(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip of these files, stored, always the same bytes."""
    body, central = bytearray(), bytearray()
    for name, data in files:
        title = name.encode()
        shared = shared_of(title, zlib.crc32(data), len(data))
        central += central_of(shared, title, len(body))
        body += LOCAL + shared + title + data
    return bytes(body + central) + end_of(len(files), len(central), len(body))


def unpack(data: bytes) -> list[tuple[str, bytes]]:
    """The files of such a zip. Raises Wrong where it is none."""
    found: list[tuple[str, bytes]] = []
    at = 0
    try:
        while data[at : at + 4] == LOCAL:
            fields = struct.unpack("<HHHHHIIIHH", data[at + 4 : at + 30])
            crc, size, length = fields[5], fields[7], fields[8]
            name = data[at + 30 : at + 30 + length].decode()
            content = data[at + 30 + length : at + 30 + length + size]
            if len(content) != size or zlib.crc32(content) != crc:
                raise Wrong(name or "container", "its bytes were changed (the checksum of the zip differs)")
            found.append((name, content))
            at += 30 + length + size
    except (struct.error, UnicodeDecodeError):
        raise Wrong("container", "the zip is damaged behind %s" % (found[-1][0] if found else "its start")) from None
    if pack(found) != data:
        raise Wrong("container", "the zip is not as it was made: bytes between or behind the files differ")
    return found


def manifest_of(files: Sequence[tuple[str, bytes]]) -> bytes:
    """The manifest of these files, with the SHA-256 of each."""
    rows = [{"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files]
    return text_of({"format": FORMAT, "files": rows})


def text_of(value: Any) -> bytes:
    """JSON as the bundle writes it."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


# -- the audit log: Ed25519 (RFC 8032) and Merkle paths (RFC 9162), in plain Python -------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_I = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _add(a: _Point, b: _Point) -> _Point:
    low, high = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    c, d = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = high - low, d - c, d + c, high + low
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _times(n: int, point: _Point) -> _Point:
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = _add(result, point)
        point, n = _add(point, point), n >> 1
    return result


def _decoded(data: bytes) -> _Point:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _I % _P
    if y >= _P or (x * x - square) % _P or (not x and sign):
        raise ValueError("no point of the curve")
    x = _P - x if x & 1 != sign else x
    return (x, y, 1, x * y % _P)


_BASE = _decoded((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this Ed25519 key signed this message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    try:
        key, nonce = _decoded(public), _decoded(signature[:32])
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    left, right = _times(s, _BASE), _add(nonce, _times(h, key))
    same = (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0
    return s < _L and same


def check_note(note: str, verifier: str) -> tuple[int, bytes, str]:
    """The size, root and time that a signed checkpoint states. Raises Wrong."""
    try:
        text, signature_line = note.split("\n\n")
        dash, signer, encoded = signature_line.rstrip("\n").split(" ")
        origin, size, root, time = text.split("\n")
        signature, top = base64.b64decode(encoded, validate=True), base64.b64decode(root, validate=True)
        count = int(size)
        keys = [line.split("+", 2) for line in verifier.split()]
        name, key_id, key = next((one for one in keys if one[1] == signature[:4].hex()), keys[-1])
        public = base64.b64decode(key, validate=True)
    except (ValueError, IndexError, binascii.Error):
        raise Wrong("checkpoint", "it is no signed checkpoint") from None
    whole = f"{origin}\n{count}\n{root}\n{time}\n\n\u2014 {name} {encoded}\n"
    if whole != note or dash != "\u2014" or signer != origin or origin != name:
        raise Wrong("checkpoint", "it is not written as checkpoints are, or names another log")
    if public[:1] != b"\x01" or hashlib.sha256(name.encode() + b"\n" + public).digest()[:4].hex() != key_id:
        raise Wrong("checkpoint", "the public key is damaged")
    if signature[:4].hex() != key_id or not signed(public[1:], (text + "\n").encode(), signature[4:]):
        raise Wrong("checkpoint", "it is not signed by this key")
    return count, top, time[5:]


def included(text: str, seq: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the entry's text to the root."""
    if not 0 <= seq < size:
        return False
    h, n, last = hashlib.sha256(b"\0" + text.encode()).digest(), seq, size - 1
    for p in path:
        if last == 0:
            return False
        if n & 1 or n == last:
            h = hashlib.sha256(b"\1" + p + h).digest()
            while n and not n & 1:
                n, last = n >> 1, last >> 1
        else:
            h = hashlib.sha256(b"\1" + h + p).digest()
        n, last = n >> 1, last >> 1
    return last == 0 and h == root


# -- what follows from the log ------------------------------------------------------------------------------------------------


def entries_of(audit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries as they were hashed, read, in the order of the log."""
    return [json.loads(row["entry"]) for row in audit["entries"]]


def latest(entries: _Entries, *actions: str) -> Mapping[str, Any] | None:
    """The last entry of one of these actions that was carried out."""
    return next((e for e in reversed(entries) if e["action"] in actions and e["result"] == "done"), None)


def guards_of(entries: _Entries) -> list[dict[str, Any]]:
    """Every decision about stopping, carried out or refused, with the guards and the version of the rules that decided."""
    stops = {"campaign.pause", "campaign.cancel", "campaign.resume", "campaign.take_back", "campaign.emergency_stop"}
    found = []
    for e in (e for e in entries if e["action"] in stops):
        decided = e["after"].get("guards", e["after"].get("blockers", []))
        said = {name: e[name] for name in ("at", "action", "result", "code", "reason")}
        found.append(said | {"entry": e["id"], "rules": e["after"].get("policy", ""), "guards": decided})
    return found


def settings_of(archive: Mapping[str, Any], entries: _Entries) -> dict[str, Any]:
    """The settings before and after the close, from the archive and the log: nothing but these members can change in a close."""
    after = dict(archive["campaign"])
    close = latest(entries, *CLOSES) or {"before": {}}
    before = dict(after, state=close["before"].get("state"), closed_at=None)
    before.pop("version", None)
    changed = sorted(name for name in before if before[name] != after[name])
    return {"store": archive["store"], "code": after["code"], "before": before, "after": after, "changed": changed}


def digest_of(value: Any) -> str:
    """The SHA-256 of a part as the entry of a close holds it."""
    return hashlib.sha256(text_of(value)).hexdigest()


def proven_of(entries: _Entries, completed: Any) -> list[str]:
    """The parts that the log holds; `completed` says whether the evidence is that of a complete close."""
    done = {e["action"] for e in entries if e["result"] == "done"} - (set() if completed else {_COMPLETE})
    close = latest(entries, *CLOSES) or {"after": {}}
    return [part for part, by in PARTS.items() if done.intersection(by) or f"{part}_sha256" in close["after"]]


# -- the checks, in order ------------------------------------------------------------------------------------------------------


def _parsed(files: Mapping[str, bytes], name: str) -> Any:
    try:
        return json.loads(files[name])
    except ValueError:
        raise Wrong(name, "it is no JSON") from None


def check_bundle(data: bytes, key: str | None = None) -> dict[str, Any]:
    """Check a bundle; answers what it proves. `key` is the trusted public key. Raises Wrong, NoProof."""
    if data[:4] != LOCAL:
        raise NoProof("this is no proof bundle")
    rows = unpack(data)
    names = [name for name, _content in rows]
    expected = [name for name in NAMES if name in names or name not in OPTIONAL]
    if names != expected:
        odd = sorted(set(names) ^ set(expected)) or ["the order of the files"]
        raise Wrong("container", f"{odd[0]} does not belong there, or is missing")
    files = dict(rows)
    if files["manifest.json"] != manifest_of(rows[:-1]):
        raise Wrong("manifest.json", _manifest_fault(files, rows[:-1]))
    note, own_key = (files[name].decode("utf-8", "replace") for name in ("checkpoint.txt", "verifier.txt"))
    size, root, time = check_note(note, key or own_key)
    entries = _check_entries(_parsed(files, "audit.json"), size, root)
    _check_content(files, entries)
    evidence = _parsed(files, "evidence.json")
    proven = proven_of(entries, evidence["completed_at"])
    return {name: evidence[name] for name in ("campaign", "store", "closed_at")} | {
        "complete": "checks" in proven, "proven": proven,
        "reopened": not evidence["completed_at"] and latest(entries, _COMPLETE) is not None,
        "open": [part for part in PARTS if part not in proven], "entries": len(entries), "signed_at": time, "log_size": size,
    }  # fmt: skip


def _manifest_fault(files: Mapping[str, bytes], rows: Sequence[tuple[str, bytes]]) -> str:
    try:
        listed = {row["name"]: row["sha256"] for row in json.loads(files["manifest.json"])["files"]}
    except (ValueError, KeyError, TypeError):
        return "it cannot be read"
    odd = [name for name, content in rows if listed.get(name) != hashlib.sha256(content).hexdigest()]
    return f"{odd[0]} was changed: its SHA-256 is another one" if odd else "it is not written as it was made"


def _check_entries(audit: Any, size: int, root: bytes) -> list[dict[str, Any]]:
    try:
        if audit["size"] != size or bytes.fromhex(audit["root"]) != root:
            raise Wrong("audit.json", "it speaks of another checkpoint")
        for row in audit["entries"]:
            path = [bytes.fromhex(value) for value in row["path"]]
            if not included(row["entry"], row["seq"], size, path, root):
                raise Wrong("audit.json", f"entry {row['event']} is not in the signed log, or was changed")
            if json.loads(row["entry"])["id"] != row["event"]:
                raise Wrong("audit.json", f"entry {row['event']} is another event")
        order = [row["seq"] for row in audit["entries"]]
        if order != sorted(set(order)):
            raise Wrong("audit.json", "entries are repeated or out of order")
        return entries_of(audit)
    except (KeyError, TypeError, ValueError):
        raise Wrong("audit.json", "it is not written as proofs are") from None


def _check_content(files: Mapping[str, bytes], entries: _Entries) -> None:
    evidence = _parsed(files, "evidence.json")
    code = evidence["campaign"]
    if any(e["object_id"] != code or e["object_type"] != "campaign" for e in entries):
        raise Wrong("audit.json", f"an entry speaks of something else than {code}")
    if len({e["store_id"] for e in entries}) != 1:
        raise Wrong("audit.json", "the entries are those of several stores")
    if latest(entries, *CLOSES) is None:
        raise Wrong("audit.json", "no entry says that the campaign was closed")
    done = latest(entries, _COMPLETE) or {"after": {}}
    seen = hashlib.sha256(files["evidence.json"]).hexdigest()
    if evidence["completed_at"] and seen != done["after"].get("evidence_sha256"):
        raise Wrong("evidence.json", "it is not the evidence whose hash the audit log holds")
    _check_archive(files, entries, evidence)
    _check_decided(files, entries, evidence)
    if files["guards.json"] != text_of(guards_of(entries)):
        raise Wrong("guards.json", "the decisions are not those of the audit log")
    forecast = _parsed(files, "forecast.json")
    if any(forecast.get(name) != evidence[name] for name in ("forecast", "result")):
        raise Wrong("forecast.json", "the figures are not those of the evidence")
    differences = [[{n: row.get(n) for n in _COMPARED} for row in one["differences"]] for one in (forecast, evidence)]
    if differences[0] != differences[1]:
        raise Wrong("forecast.json", "the differences are not those of the evidence")
    if _parsed(files, "report.json").get("campaign") != code:
        raise Wrong("report.json", "it speaks of another campaign")
    if files["README.txt"] != README.encode():
        raise Wrong("README.txt", "it is not the text that belongs here")
    if files["verify.py"] != Path(__file__).read_bytes():
        raise Wrong("verify.py", "the verifier inside the bundle is not the one that runs now")
    if files["index.html"] != page(files):
        raise Wrong("index.html", "the page does not say what the files say")


def _check_archive(files: Mapping[str, bytes], entries: _Entries, evidence: Mapping[str, Any]) -> None:
    held = latest(entries, _ARCHIVE)
    if "archive.json" not in files:
        if held is not None or "items.jsonl" not in files:
            raise Wrong("archive.json", "it is missing")
        if _parsed(files, "campaign.json").get("code") != evidence["campaign"]:
            raise Wrong("campaign.json", "it speaks of another campaign")
        return
    if "items.jsonl" in files:
        raise Wrong("items.jsonl", "the items of an archived campaign stand in its archive")
    if hashlib.sha256(files["archive.json"]).hexdigest() != (held["after"]["archive_sha256"] if held else None):
        raise Wrong("archive.json", "it is not the archive whose hash the audit log holds")
    archive = _parsed(files, "archive.json")
    if any(evidence[name] != archive["close"][name] for name in _ARCHIVED):
        raise Wrong("evidence.json", "its figures or times are not those of the archive")
    if files["campaign.json"] != text_of(settings_of(archive, entries)):
        raise Wrong("campaign.json", "the settings are not those of the archive and the audit log")


def _check_decided(files: Mapping[str, bytes], entries: _Entries, evidence: Mapping[str, Any]) -> None:
    settings, close = _parsed(files, "campaign.json"), latest(entries, *CLOSES) or {"after": {}, "at": ""}
    moments = (settings["after"]["closed_at"], evidence["closed_at"], close["at"])
    if len({datetime.fromisoformat(at.replace("Z", "+00:00")) for at in moments}) != 1:
        raise Wrong("closed_at", "it is not the moment at which the log has the close")
    if files["campaign.json"] != text_of(settings_of(dict(settings, campaign=settings["after"]), entries)):
        raise Wrong("campaign.json", "the settings before and after do not follow from each other and the audit log")
    forecast = _parsed(files, "forecast.json")["forecast"]
    for part, name, value in (("settings", "campaign", settings["before"]), ("forecast", "forecast", forecast)):
        if close["after"].get(f"{part}_sha256", digest_of(value)) != digest_of(value):
            raise Wrong(f"{name}.json", f"the {part} of before is not what the entry of the close holds the hash of")


# -- the page ------------------------------------------------------------------------------------------------------------------

WORDS = {
    "proven": ("Held by the log", "日志已证明"), "close": ("Proof of a closed campaign", "活动关闭证明"), "campaign": ("Campaign", "活动"),
    "store": ("Store", "店铺"), "closed_at": ("Closed at (UTC)", "关闭时间(UTC)"), "close_kind": ("How", "关闭方式"),
    "auto": ("By itself, at the end", "到期自动关闭"), "manual": ("By hand, before the end", "到期前人工关闭"),
    "finalised_at": ("Final at (UTC)", "最终生效时间(UTC)"), "completed_at": ("Verified in every point at (UTC)", "全部核实时间(UTC)"),
    "open": ("not yet", "尚未"), "both": ("Settings before and after", "关闭前后的设置"), "settings": ("Settings before", "关闭前的设置"),
    "before": ("Before", "关闭前"), "guards": ("Decisions and the rules that made them", "关闭前检查与所依据的规则版本"),
    "action": ("Action", "操作"), "guard": ("Checks", "检查项"), "items": ("Items", "商品"), "unproven": ("Not held yet", "尚未证明"),
    "rules": ("Rules", "规则版本"), "status": ("Status", "状态"), "passed": ("Passed", "通过"), "warning": ("Warning", "提醒"),
    "blocked": ("Blocked", "阻塞"), "unknown": ("Unknown", "未知"), "at": ("At (UTC)", "时间(UTC)"), "result": ("Result", "结果"),
    "none": ("None: the clock ended it", "无：到期自动结束"), "figures": ("Forecast and result", "预估与结果"), "what": ("What", "项目"),
    "forecast": ("Forecast", "预估"), "why": ("Why", "原因"), "listings": ("Listings losing the promotion", "失去活动的商品"),
    "tags": ("Campaign tags taken off", "取下的活动标签"), "sites": ("Language sites told", "已通知的语言站点"),
    "coupons": ("Coupons voided", "已失效的优惠券"), "claimed_unused": ("Claimed coupons not used yet", "已领取未使用的优惠券"),
    "reserved_units": ("Reserved units released", "释放的预留库存"), "checks": ("Checks of the public pages", "公开页面检查"),
    "open_orders": ("Open orders that keep their terms", "保留原条款的未完成订单"), "left": ("Leftovers", "残留"),
    "prices_to_review": ("Sale prices that will not return by themselves", "不会自动恢复的销售价"), "pages": ("Pages read", "已读页面"),
    "site": ("Site and client", "站点与终端"), "excerpt": ("What a page showed, and its SHA-256", "页面摘录及其SHA-256"),
    "flow": ("Dry quotes", "试报价"), "clean": ("nothing of the campaign", "无该活动优惠"), "sku": ("SKU", "SKU"),
    "leftover": ("still of the campaign", "仍有该活动优惠"), "unsold": ("cannot be ordered", "不可下单"), "price": ("Unit price", "单价"),
    "log": ("Entries of the audit log", "操作日志条目"), "who": ("Who", "操作人"), "done": ("Done", "已完成"), "failed": ("Failed", "失败"),
    "refused": ("Not carried out", "未执行"), "steps": ("Steps when this was exported", "导出时的步骤状态"), "step": ("Step", "步骤"),
    "running": ("Under way", "进行中"), "pending": ("Waiting", "等待"), "signed": ("Signed checkpoint", "已签名的检查点"),
    "after": ("After", "关闭后"), "desktop": ("desktop", "电脑"), "phone": ("phone", "手机"), "private": ("private window", "无痕窗口"),
    "stop_display": ("Stop the display and the discount", "停止展示与优惠"), "clear_tags": ("Clear the tags", "清除标签"),
    "void_coupons": ("Void linked coupons", "作废关联优惠券"), "release_stock": ("Release reserved stock", "释放预留库存"),
    "publish_sites": ("Tell the language sites", "通知语言站点"), "review_prices": ("Review sale prices", "复核销售价"),
    "verify": ("Verify what buyers see", "核实买家所见"), "archive": ("Archive the data", "归档数据"),
}  # fmt: skip
_STYLE = (
    "body{font:14px/1.6 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;max-width:1080px;margin:24px auto;"
    "padding:0 16px;color:#1c2430}h1{font-size:20px}h2{font-size:16px;margin-top:32px}table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid #dde1e6;padding:6px 8px;text-align:left;vertical-align:top}thead th{color:#5a6472}"
    "code{font-size:12px;overflow-wrap:anywhere}"
)


def escape(value: Any) -> str:
    """Text, safe inside HTML."""
    return html.escape("" if value is None else str(value), quote=False).replace('"', "&quot;")


def word(key: Any) -> str:
    """A word in both languages; an unknown one as it stands."""
    english, chinese = WORDS.get(str(key), (str(key), ""))
    return escape(f"{english} · {chinese}" if chinese and chinese != english else english)


def _code(value: Any) -> str:
    return f"<code>{escape(value)}</code>" if value else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{word(head)}</th>' for head in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def page(files: Mapping[str, bytes]) -> bytes:
    """The page that people read, made of the other files."""
    shown = ("evidence", "campaign", "guards", "forecast", "report", "audit")
    read = {name: json.loads(files[f"{name}.json"]) for name in shown}
    evidence, campaign = read["evidence"], read["campaign"]
    title = f"{word('close')} {escape(evidence['campaign'])}"
    sections = (
        ("both", _settings(campaign)),
        ("guards", _decisions(read["guards"])),
        ("figures", _figures(read["forecast"])),
        ("checks", _checks(evidence["checks"])),
        ("flow", _flow(evidence["order_flow"].get("readings", []))),
        ("steps", _steps(read["report"]["steps"])),
        ("log", _log(entries_of(read["audit"]))),
        ("signed", f"<pre>{_code(files['checkpoint.txt'].decode())}</pre>"),
    )
    body = "".join(f"<h2>{word(key)}</h2>\n{text}\n" for key, text in sections)
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
    facts = _facts(evidence, campaign["after"], proven_of(entries_of(read["audit"]), evidence["completed_at"]))
    return f"{head}<body><h1>{title}</h1>\n{facts}\n{body}</body></html>\n".encode()


def _facts(evidence: Mapping[str, Any], after: Mapping[str, Any], proven: Sequence[str]) -> str:
    names = f"{escape(after['name'])} · {escape(after['name_zh'])} {_code(evidence['campaign'])}"
    rows = [["campaign", names], ["store", escape(evidence["store"])], ["close_kind", word(evidence["close_kind"])]]
    rows += [[n, escape(evidence[n]) or word("open")] for n in ("closed_at", "finalised_at", "completed_at")]
    parts = {"proven": proven, "unproven": [part for part in PARTS if part not in proven]}
    rows += [[name, "<br>".join(word(part) for part in found)] for name, found in parts.items() if found]
    cells = "".join(f'<tr><th scope="row">{word(name)}</th><td>{text}</td></tr>' for name, text in rows)
    return f"<table><tbody>{cells}</tbody></table>"


def _settings(campaign: Mapping[str, Any]) -> str:
    before, after = campaign["before"], campaign["after"]
    rows = []
    for name in sorted(set(after) - {"version"}):
        shown = f"<b>{escape(after[name])}</b>" if name in campaign["changed"] else escape(after[name])
        rows.append([_code(name), escape(before.get(name)), shown])
    return _table(("what", "before", "after"), rows)


def _decisions(decisions: Sequence[Mapping[str, Any]]) -> str:
    if not decisions:
        return f"<p>{word('none')}</p>"
    rows = []
    for one in decisions:
        guards = "<br>".join(_code(guard.get("code")) + " " + word(guard.get("status")) for guard in one["guards"])
        rules = sorted({str(guard.get("policy", "")) for guard in one["guards"]} | {str(one["rules"])})
        result = f"{word(one['result'])} {_code(one['code'])}"
        rows.append([escape(one["at"]), _code(one["action"]), result, guards, escape(", ".join(filter(None, rules)))])
    return _table(("at", "action", "result", "guard", "rules"), rows)


def _figures(forecast: Mapping[str, Any]) -> str:
    why = {r["key"]: "<br>".join(escape(r["why"].get(one)) for one in ("en", "zh")) for r in forecast["differences"]}
    done = forecast["result"]
    rows = [[word(k), escape(v), escape(done.get(k)), why.get(k, "")] for k, v in sorted(forecast["forecast"].items())]
    return _table(("what", "forecast", "result", "why"), rows)


def _checks(checks: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for check in checks:
        for line in check["results"]:
            samples = line.get("samples", [])
            shown = "<br>".join(
                f"{escape(s['url'])}<br>{escape(s['excerpt'])}<br>{_code(s['sha256'])}" for s in samples
            )
            where = f"{escape(line['site'])} · {word(line['client'])}"
            rows.append([escape(check["finished_at"]), where, escape(line["pages"]), escape(line["leftovers"]), shown])
    return _table(("at", "site", "pages", "left", "excerpt"), rows)


def _flow(readings: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for row in readings:
        price = escape(f"{row['currency']} {row['unit_price']}")
        rows.append([_code(row["sku"]), f"{word(row['outcome'])} {_code(row['detail'])}", price])
    return _table(("sku", "result", "price"), rows)


def _steps(steps: Sequence[Mapping[str, Any]]) -> str:
    counts = [f"{escape(one['done'])} / {escape(one['total'])}" for one in steps]
    rows = [[word(s["key"]), word(s["state"]), counts[n], escape(s["finished_at"])] for n, s in enumerate(steps)]
    return _table(("step", "status", "result", "at"), rows)


def _log(entries: _Entries) -> str:
    rows = [
        [escape(e["at"]), _code(e["action"]), word(e["result"]), escape(e["actor_label"]), escape(e["reason"])]
        for e in entries
    ]
    return _table(("at", "action", "result", "who", "why"), rows)


# -- the command ---------------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    words = list(arguments)
    key = None
    if "--key" in words:
        at = words.index("--key")
        try:
            key = Path(words[at + 1]).read_text(encoding="utf-8")
        except (IndexError, OSError, UnicodeDecodeError) as error:
            return _say(2, f"the key cannot be read: {error}")
        del words[at : at + 2]
    if len(words) != 1:
        return _say(2, "usage: python3 verify.py proof.zip [--key verifier.txt]")
    try:
        found = check_bundle(Path(words[0]).read_bytes(), key)
    except (OSError, NoProof) as error:
        return _say(2, str(error))
    except Wrong as wrong:
        return _say(1, f"WRONG: {wrong}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return _say(1, f"WRONG: a file is not written as it should be ({type(error).__name__}: {error})")
    if key is None:
        _say(0, "Note: the public key came from the bundle itself. Give --key with one that you trust.")
    if not found["complete"]:
        parts = (", ".join(WORDS[part][0] for part in found[which]) for which in ("proven", "open"))
        _say(0, f"Note: {_REOPENED if found['reopened'] else _OPEN.format(*parts)}")
    return _say(0, _WHOLE.format(**found))


def _say(status: int, text: str) -> int:
    (sys.stderr if status else sys.stdout).write(text + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
