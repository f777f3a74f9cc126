"""The proof of a close: whole without the server, and every change to it found and named."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.checkpoints import checkpoint
from audit.keys import key_file
from audit.models import AuditEvent
from audit.sealing import seal
from campaigns import archive, checks, cleaning, stopping, sweeps
from campaigns.models import CampaignArchive
from campaigns.proof import bundle, packing, verify
from campaigns.tests.conftest import NOON
from core import clock, outbox
from core.errors import Conflict, NotFound, PermissionRefused
from tests import factories as make

DONE = (0, 600, 6000, 1400)


@pytest.fixture(autouse=True)
def _own_log(settings, tmp_path):
    settings.AUDIT_CHECKPOINT_DIR = tmp_path / "checkpoints"


def _sealed() -> None:
    seal()
    checkpoint(force=True)


def _work(frozen, *waits: int) -> None:
    for seconds in waits:
        frozen.tick(seconds)
        while outbox.deliver_due(topics=["publish.site"]):
            pass
        checks.run_due()
        sweeps.run()


@pytest.fixture
def closed(shop, frozen):
    """A campaign with an order, cancelled for good, verified, archived, complete, sealed."""
    campaign = make.make_campaign(shop.store, shop.skus, name="Proof & <b>test</b>")
    make.make_order(shop.store, shop.skus[:1], buyer="Somebody-42", quantity=2)
    _work(frozen, 0)
    stopping.cancel(
        shop.store, campaign.code, confirm_code=campaign.code, reason="season", note="Mill <stopped>", actor=shop.owner
    )
    _work(frozen, *DONE)
    _sealed()
    return campaign


@pytest.fixture
def whole(closed) -> bytes:
    return bundle.make(closed, now=clock.now()).read()


def _files(data: bytes) -> dict[str, bytes]:
    return dict(verify.unpack(data))


def _again(files: dict[str, bytes]) -> bytes:
    """The bundle made anew by somebody who changed a file and put manifest and container right."""
    rows = [(name, content) for name, content in files.items() if name != "manifest.json"]
    return verify.pack([*rows, ("manifest.json", verify.manifest_of(rows))])


def test_whole_without_the_server(whole, tmp_path):
    """The bundle's own verifier, in a Python that knows nothing of this project."""
    (tmp_path / "proof.zip").write_bytes(whole)
    (tmp_path / "verify.py").write_bytes(_files(whole)["verify.py"])
    (tmp_path / "verifier.txt").write_bytes(_files(whole)["verifier.txt"])
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "proof.zip", "--key", "verifier.txt"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("WHOLE: campaign C-")
    (tmp_path / "proof.zip").write_bytes(whole.replace(b"season", b"saison"))
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "proof.zip"], cwd=tmp_path, capture_output=True, text=True, check=False, env={}
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.startswith("WRONG: ")


def test_what_it_says(whole, closed, shop):
    found = verify.check_bundle(whole)
    assert (found["campaign"], found["store"], found["complete"]) == (closed.code, shop.store.slug, True)
    files = _files(whole)
    settings = json.loads(files["campaign.json"])
    assert (settings["before"]["state"], settings["after"]["state"]) == ("running", "cancelled")
    assert settings["changed"] == ["closed_at", "state"]
    (decision,) = json.loads(files["guards.json"])
    assert decision["action"] == "campaign.cancel"
    assert {guard["status"] for guard in decision["guards"]} <= {"passed", "warning"}
    assert all(guard["policy"] for guard in decision["guards"])
    page = files["index.html"].decode()
    assert "活动关闭证明" in page
    assert "Proof of a closed campaign" in page
    assert "&lt;b&gt;test&lt;/b&gt;" in page
    assert "<b>test" not in page
    assert b"Somebody-42" not in whole, "no buyer's data"


def test_the_same_close_gives_the_same_bytes(whole, closed, shop):
    first = bundle.export_proof(shop.store, closed.code, actor=shop.owner)
    assert first.read() == whole
    _sealed()
    second = bundle.export_proof(shop.store, closed.code, actor=shop.owner)
    assert second.sha256 == first.sha256, "however long the log has grown"
    events = AuditEvent.objects.filter(action="campaign.export_proof")
    assert [event.after["bundle_sha256"] for event in events] == [first.sha256] * 2


def test_any_changed_byte_is_found(whole):
    step = max(1, len(whole) // 700)
    for at in [*range(0, len(whole), step), len(whole) - 1]:
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises((verify.Wrong, verify.NoProof)):
            verify.check_bundle(bytes(changed))
    for odd in (whole + b"\0", whole[:-1], whole[: len(whole) // 2], b"\0" + whole, b""):
        with pytest.raises((verify.Wrong, verify.NoProof)):
            verify.check_bundle(odd)


def _set(*path: object, to: object) -> Callable[[bytes], bytes]:
    """Change one value of a JSON file, written again in the file's own manner."""

    def change(content: bytes) -> bytes:
        document = json.loads(content)
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        if content.endswith(b"\n"):
            return verify.text_of(document)
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    return change


def _swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


FORGERIES = (
    ("README.txt", _swap(b"signed", b"sealed"), "README.txt"),
    ("index.html", _swap(b"Forecast", b"Forecost"), "index.html"),
    ("campaign.json", _set("before", "state", to="paused"), "campaign.json"),
    ("campaign.json", _set("after", "price_protected", to=True), "campaign.json"),
    ("guards.json", _set(0, "guards", 0, "status", to="blocked"), "guards.json"),
    ("guards.json", _set(0, "guards", 0, "policy", to="V9"), "guards.json"),
    ("forecast.json", _set("result", "open_orders", to=7), "forecast.json"),
    ("forecast.json", _set("differences", to=[]), "forecast.json"),
    ("report.json", _set("steps", 6, "state", to="failed"), "index.html"),
    ("evidence.json", _set("checks", 0, "leftovers", to=5), "evidence.json"),
    ("evidence.json", _set("checks", 0, "results", 0, "samples", 0, "sha256", to="0" * 64), "evidence.json"),
    ("evidence.json", _set("order_flow", "state", to="leftover"), "evidence.json"),
    ("evidence.json", _set("result", "tags", to=0), "evidence.json"),
    ("archive.json", _set("items", 0, "price", to="1.00"), "archive.json"),
    ("audit.json", _swap(b"season", b"saison"), "audit.json"),
    ("audit.json", _set("entries", 0, "seq", to=10**6), "audit.json"),
    ("audit.json", _set("size", to=3), "audit.json"),
    ("audit.json", _set("entries", 0, "path", 0, to="00" * 32), "audit.json"),
    ("checkpoint.txt", _swap(b"time 2026", b"time 2025"), "checkpoint"),
    ("checkpoint.txt", _swap(b"\n\n", b"\n"), "checkpoint"),
    ("verifier.txt", _swap(b"+", b"+f"), "checkpoint"),
    ("verify.py", _swap(b"WHOLE", b"WH0LE"), "verify.py"),
)


@pytest.mark.parametrize(
    ("name", "change", "named"), FORGERIES, ids=[f"{n}-{name}" for n, (name, _change, _named) in enumerate(FORGERIES)]
)
def test_a_forged_file_is_named_although_manifest_and_container_fit(whole_with_difference, name, change, named):
    files = dict(_files(whole_with_difference))
    files[name] = change(files[name])
    with pytest.raises(verify.Wrong) as wrong:
        verify.check_bundle(_again(files))
    assert wrong.value.where == named


def test_evidence_of_a_verified_close_cannot_be_passed_off_as_that_of_an_open_one(
    whole_with_difference, tmp_path, capsys
):
    files = dict(_files(whole_with_difference))
    files["evidence.json"] = _set("completed_at", to=None)(files["evidence.json"])
    files["index.html"] = verify.page(files)
    (tmp_path / "open.zip").write_bytes(_again(files))
    assert verify.main([str(tmp_path / "open.zip")]) == 0
    assert "the log holds another evidence" in capsys.readouterr().out
    for name in ("evidence.json", "forecast.json"):
        files[name] = _set("result", "tags", to=0)(files[name])
    files["index.html"] = verify.page(files)
    with pytest.raises(verify.Wrong) as wrong:
        verify.check_bundle(_again(files))
    assert wrong.value.where == "evidence.json"


@pytest.fixture(scope="module")
def _kept() -> dict[str, bytes]:
    return {}


@pytest.fixture
def whole_with_difference(_kept, request) -> bytes:
    """One bundle for all forgeries: it is only read."""
    if "bundle" not in _kept:
        shop, frozen = request.getfixturevalue("shop"), request.getfixturevalue("frozen")
        campaign = make.make_campaign(shop.store, shop.skus)
        _work(frozen, 0)
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, reason="season", actor=shop.owner)
        frozen.tick(5)
        make.make_order(shop.store, shop.skus[:1], campaign=campaign.code)
        _work(frozen, *DONE)
        _sealed()
        _kept["bundle"] = bundle.make(campaign, now=clock.now()).read()
        assert verify.check_bundle(_kept["bundle"])["complete"]
        assert json.loads(_files(_kept["bundle"])["forecast.json"])["differences"]
    return _kept["bundle"]


def test_files_missing_added_or_moved(whole_with_difference):
    files = _files(whole_with_difference)
    without = {name: data for name, data in files.items() if name != "guards.json"}
    moved = dict(sorted(files.items()))
    for odd in (without, files | {"extra.txt": b"x"}, moved):
        with pytest.raises(verify.Wrong):
            verify.check_bundle(_again(odd))
    late = {name: data for name, data in files.items() if name != "archive.json"} | {"items.jsonl": b""}
    rows = [(name, late[name]) for name in verify.NAMES if name in late and name != "manifest.json"]
    with pytest.raises(verify.Wrong, match=r"archive\.json"):
        verify.check_bundle(verify.pack([*rows, ("manifest.json", verify.manifest_of(rows))]))


def test_a_key_of_somebody_else(whole, tmp_path, settings):
    settings.AUDIT_KEY_FILE = tmp_path / "other.pem"
    assert key_file() == tmp_path / "other.pem"
    origin, _, other = _files(whole)["verifier.txt"].decode().strip().rpartition("+")
    stranger = f"{origin}+{'A' * len(other)}"
    with pytest.raises(verify.Wrong) as wrong:
        verify.check_bundle(whole, stranger)
    assert wrong.value.where == "checkpoint"


def test_entries_of_another_campaign_do_not_pass_for_this_one(closed, shop, frozen):
    other = make.make_campaign(shop.store, shop.skus)
    stopping.cancel(shop.store, other.code, confirm_code=other.code, reason="season", actor=shop.owner)
    _work(frozen, *DONE)
    _sealed()
    mine, theirs = (
        _files(bundle.make(closed, now=clock.now()).read()),
        _files(bundle.make(other, now=clock.now()).read()),
    )
    mixed = mine | {name: theirs[name] for name in ("audit.json", "checkpoint.txt", "guards.json")}
    with pytest.raises(verify.Wrong, match="something else"):
        verify.check_bundle(_again(mixed))


def test_an_open_close_says_that_it_is_open(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    with pytest.raises(NotFound):
        bundle.export_proof(shop.store, campaign.code, actor=shop.owner)
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    with pytest.raises(Conflict) as waiting:
        bundle.export_proof(shop.store, campaign.code, actor=shop.owner)
    assert waiting.value.code == "ERR_AUDIT_UNSEALED"
    _sealed()
    data = bundle.export_proof(shop.store, campaign.code, actor=shop.owner).read()
    assert verify.check_bundle(data)["complete"] is False
    assert len(_files(data)["items.jsonl"].splitlines()) == 3
    viewer = make.actor_for(make.make_member(shop.store, rights=["campaigns.view", "audit.view"]))
    with pytest.raises(PermissionRefused):
        bundle.export_proof(shop.store, campaign.code, actor=viewer)


@pytest.fixture(scope="module")
def _kept_open() -> dict[str, bytes]:
    return {}


@pytest.fixture
def open_ones(_kept_open, request) -> dict[str, bytes]:
    """Bundles of a cancel that is still held and of a close by the clock without an archive; they are only read."""
    if not _kept_open:
        shop, frozen = request.getfixturevalue("shop"), request.getfixturevalue("frozen")
        byhand = make.make_campaign(
            shop.store, shop.skus[1:], name="羊毛 & wool", rules={"note": "\u2028 é \t", "n": [1, "2.50"]}
        )
        clocked = make.make_campaign(shop.store, shop.skus[:1], ends_at=clock.now() + timedelta(hours=1))
        make.make_order(shop.store, shop.skus[1:], campaign=byhand.code)
        stopping.cancel(shop.store, byhand.code, confirm_code=byhand.code, reason="season", actor=shop.owner)
        _sealed()
        byhand.refresh_from_db()
        _kept_open["by hand"] = bundle.make(byhand, now=clock.now()).read()
        _work(frozen, 3600, 900)
        _sealed()
        clocked.refresh_from_db()
        _kept_open["by the clock"] = bundle.make(clocked, now=clock.now()).read()
    return _kept_open


def test_what_was_decided_at_the_moment_of_a_close_is_proven_at_once(open_ones, tmp_path, capsys):
    by_hand, by_clock = (verify.check_bundle(open_ones[which]) for which in ("by hand", "by the clock"))
    assert (by_hand["complete"], by_hand["proven"]) == (False, ["settings", "guards", "forecast"])
    assert by_hand["open"] == ["result", "checks", "items"]
    assert (by_clock["proven"], by_clock["open"]) == (["guards", "forecast"], ["settings", "result", "checks", "items"])
    (tmp_path / "open.zip").write_bytes(open_ones["by hand"])
    assert verify.main([str(tmp_path / "open.zip")]) == 0
    said = capsys.readouterr().out
    assert "Held by the log: Settings before, Decisions and the rules that made them, Forecast." in said
    assert "Not held yet: Result, Checks of the public pages, Items." in said
    page = _files(open_ones["by hand"])["index.html"].decode()
    assert "尚未证明" in page


OPEN_FORGERIES: tuple[tuple[str, str, tuple[tuple[object, ...], ...], object, str], ...] = (
    ("by hand", "campaign.json", (("before", "price_protected"), ("after", "price_protected")), True, "campaign.json"),
    ("by hand", "campaign.json", (("before", "rules"), ("after", "rules")), {}, "campaign.json"),
    ("by hand", "campaign.json", (("before", "min_items"),), 5, "campaign.json"),
    ("by hand", "campaign.json", (("before", "state"),), "paused", "campaign.json"),
    ("by hand", "guards.json", ((0, "guards", 0, "status"),), "warning", "guards.json"),
    ("by hand", "guards.json", ((0, "guards", 0, "policy"),), "V9", "guards.json"),
    ("by hand", "guards.json", ((0, "rules"),), "V9", "guards.json"),
    ("by hand", "forecast.json", (("forecast", "tags"),), 0, "forecast.json"),
    ("by hand", "forecast.json", (("forecast", "open_orders"),), 40, "forecast.json"),
    ("by hand", "evidence.json", (("closed_at",),), "2026-11-26T12:00:00+00:00", "closed_at"),
    ("by hand", "campaign.json", (("after", "closed_at"),), "2026-11-26T12:00:00+00:00", "closed_at"),
    ("by the clock", "campaign.json", (("before", "price_protected"),), True, "campaign.json"),
    ("by the clock", "forecast.json", (("forecast", "tags"),), 0, "forecast.json"),
)


@pytest.mark.parametrize(
    ("which", "name", "places", "to", "named"),
    OPEN_FORGERIES,
    ids=[f"{n}-{one[0]}-{one[1]}" for n, one in enumerate(OPEN_FORGERIES)],
)
def test_a_forger_of_an_open_close_who_puts_all_the_rest_right_is_found(open_ones, which, name, places, to, named):
    """Manifest, container, page, and for the forecast the evidence that is in no log yet: all made to fit."""
    files = dict(_files(open_ones[which]))
    assert verify.check_bundle(_again(files))["campaign"]
    for place in places:
        files[name] = _set(*place, to=to)(files[name])
        if name == "forecast.json":
            files["evidence.json"] = _set(*place, to=to)(files["evidence.json"])
    files["index.html"] = verify.page(files)
    with pytest.raises(verify.Wrong) as wrong:
        verify.check_bundle(_again(files))
    assert wrong.value.where == named


def test_what_nothing_holds_yet_is_named_as_such_and_not_as_proven(open_ones):
    """The figures of what was done are no part of what was decided: until the close is complete they are a statement."""
    files = dict(_files(open_ones["by hand"]))
    for name in ("evidence.json", "forecast.json"):
        files[name] = _set("result", "tags", to=0)(files[name])
    files["index.html"] = verify.page(files)
    assert "result" in verify.check_bundle(_again(files))["open"]


def test_closes_that_clock_or_people_take_together_hold_each_its_own(shop, frozen):
    """One statement for many closes, each entry with the hash of its own forecast; closes that foresee the same share it."""
    ends = clock.now() + timedelta(hours=1)
    made = [make.make_campaign(shop.store, shop.skus[: 1 + n % 2], ends_at=ends) for n in range(4)]
    _work(frozen, 3600, 900)
    _sealed()
    entries = AuditEvent.objects.filter(action="campaign.end").order_by("object_id")
    held = {entry.object_id: entry.after["forecast_sha256"] for entry in entries}
    assert set(held) == {one.code for one in made}
    assert len(set(held.values())) == 2
    for campaign in made:
        campaign.refresh_from_db()
        assert "forecast" in verify.check_bundle(bundle.make(campaign, now=clock.now()).read())["proven"]


def test_a_close_by_the_clock_and_one_looked_at_again(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=clock.now() + timedelta(hours=1))
    _work(frozen, 0, 3600, 900, 60, 900, 7200)
    _sealed()
    data = bundle.make(campaign, now=clock.now()).read()
    assert verify.check_bundle(data)["complete"] is True
    assert json.loads(_files(data)["guards.json"]) == []
    assert json.loads(_files(data)["campaign.json"])["before"]["state"] == "ending"
    cleaning.clean_up(shop.store, campaign.code, actor=shop.owner)
    _work(frozen, 5)
    _sealed()
    later = bundle.make(campaign, now=clock.now()).read()
    assert verify.check_bundle(later)["complete"] is True
    assert later != data


def test_as_many_queries_for_many_items_as_for_few(shop, frozen):
    counts = []
    for number in (2, 60):
        campaign = make.make_campaign(shop.store, make.make_skus(shop.store, number))
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
        frozen.tick(600)
        sweeps.run()
        _sealed()
        with CaptureQueriesContext(connection) as queries:
            bundle.make(campaign, now=clock.now()).read()
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20


def test_a_bundle_is_the_same_whether_packed_whole_or_piece_by_piece(whole):
    assert verify.pack(verify.unpack(whole)) == whole
    packer = packing.Packer()
    for name, content in verify.unpack(whole):
        if name != "manifest.json":
            packer.add(name, [content[:7], content[7:]])
    packer.finish()
    assert packer.file.read() == whole


def test_the_items_of_an_archive_are_written_in_pieces(shop):
    """The very bytes that were hashed; four times the items take no more memory."""
    peaks = []
    for many in (10_000, 40_000):
        campaign = make.make_campaign(shop.store, shop.skus)
        items = [
            {"sku": f"S-{n:06}", "listing": n, "currency": "USD", "price": "18.90", "name": "围巾"} for n in range(many)
        ]
        document = {
            "format": 2,
            "campaign": {"code": campaign.code},
            "items": items,
            "store": shop.store.slug,
            "zz": [1.5],
        }
        wanted = archive.canonical(document)
        CampaignArchive.objects.create(
            campaign=campaign,
            store=shop.store,
            archived_at=NOON,
            document=document,
            sha256=hashlib.sha256(wanted).hexdigest(),
        )
        rest = {name: value for name, value in document.items() if name != "items"}
        packer = packing.Packer()
        tracemalloc.start()
        packer.add("archive.json", bundle._archived(campaign, rest))
        packer.finish()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert dict(verify.unpack(packer.file.read()))["archive.json"] == wanted
    assert peaks[1] < 1.3 * peaks[0], peaks
