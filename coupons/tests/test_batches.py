"""Single-use codes: not guessable, kept as digests, made in chunks that survive a crash, exported as a stream, used once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse

from accounts.models import Store
from audit.models import AuditEvent
from core import clock
from core.codes import ALPHABET
from core.errors import Conflict, DomainError, InvalidInput, NotFound
from core.scopes import in_store
from coupons import batches, single_codes
from coupons.joined import Claimed
from coupons.models import Claim, CodeBatch, Coupon, CouponTally, SingleCode
from listings import jobs
from policies.rules import ReachRules
from tests import factories as make

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(db: None) -> Iterator[Store]:
    found = make.make_store()
    with clock.freeze(NOON), in_store(found.pk):
        yield found


def codes_of(store: Store, batch: CodeBatch) -> list[str]:
    owner = make.actor_for(make.owner_of(store))
    return [code for code, _ in batches.export(store, batch.coupon.code, batch.pk, actor=owner)]


def claim_with(store: Store, coupon: Coupon, entered: str, buyer: str) -> Claim:
    claim = Claim.objects.create(store=store, coupon=coupon, code=f"K-{make.serial()}", buyer=buyer, claimed_at=NOON)
    news = Claimed(
        store,
        coupon.pk,
        coupon.code,
        claim.pk,
        claim.code,
        entered,
        buyer,
        "",
        "",
        make.actor_for(make.owner_of(store)),
        NOON,
    )
    batches.use(news)
    return claim


def test_codes_have_the_length_alphabet_and_uniqueness_of_a_hundred_random_bits(store: Store):
    assert ReachRules().code_length * 5 >= 80
    batch = make.make_codes(make.make_coupon(store, quota=5000), 3000)
    codes = [code.replace("-", "") for code in codes_of(store, batch)]
    assert len(codes) == len(set(codes)) == 3000
    assert {len(code) for code in codes} == {20}
    assert set("".join(codes)) == set(ALPHABET)
    # Each of the 20 places takes every sign about equally often: 3000 / 32 is 94.
    for place in range(20):
        counts = [sum(code[place] == sign for code in codes) for sign in ALPHABET]
        assert min(counts) > 40
        assert max(counts) < 160


def test_the_database_holds_digests_from_which_no_code_comes_back(store: Store):
    batch = make.make_codes(make.make_coupon(store), 20)
    codes = codes_of(store, batch)
    kept = {str(value) for value in SingleCode.objects.filter(batch=batch).values_list("digest", flat=True)}
    assert kept == {str(single_codes.digest(code.replace("-", ""))) for code in codes}
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(string_agg(t::text, ' '), '') FROM coupons_singlecode t")
        text = cursor.fetchone()[0].upper()
    assert not any(code.replace("-", "") in text or code in text for code in codes)


def test_a_code_is_recognised_however_it_is_typed_and_only_in_its_store(store: Store):
    coupon = make.make_coupon(store)
    code = codes_of(store, make.make_codes(coupon, 1))[0]
    typed = {code, code.lower(), code.replace("-", " "), code.replace("0", "O").replace("1", "l")}
    assert batches.resolve(store.pk, typed) == dict.fromkeys(typed, coupon.pk)
    assert batches.resolve(store.pk, ["A" * 20, "SAVE5", "", "\x00"]) == {}
    other = make.make_store()
    assert batches.resolve(other.pk, [code]) == {}


def test_a_code_works_once_and_never_of_a_batch_out_of_use(store: Store):
    coupon = make.make_coupon(store)
    batch = make.make_codes(coupon, 3)
    codes = codes_of(store, batch)
    claim = claim_with(store, coupon, codes[0].lower(), "anna")
    assert SingleCode.objects.get(claim=claim).batch_id == batch.pk
    with pytest.raises(Conflict) as refused:
        claim_with(store, coupon, codes[0], "ben")
    assert refused.value.code == "ERR_COUPON_CODE_USED"
    assert batches.used_of([batch.pk]) == {batch.pk: 1}
    owner = make.actor_for(make.owner_of(store))
    batches.withdraw(store, coupon.code, batch.pk, actor=owner)
    assert batches.resolve(store.pk, codes) == {}
    with pytest.raises(Conflict):
        claim_with(store, coupon, codes[1], "carl")
    with pytest.raises(Conflict):
        batches.withdraw(store, coupon.code, batch.pk, actor=owner)


@pytest.mark.django_db(transaction=True)
def test_twelve_buyers_with_one_code_make_one_claim():
    store = make.make_store()
    with in_store(store.pk):
        coupon = make.make_coupon(store)
        code = codes_of(store, make.make_codes(coupon, 1))[0]
    gate, won, lost = threading.Barrier(12), [], []

    def run(n: int) -> None:
        try:
            with in_store(store.pk):
                gate.wait()
                with transaction.atomic():
                    won.append(claim_with(store, coupon, code, f"buyer-{n}").pk)
        except Conflict:
            lost.append(n)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 11)
    with in_store(store.pk):
        assert Claim.objects.filter(coupon=coupon).count() == 1


def test_a_job_that_died_goes_on_behind_its_last_chunk(store: Store, monkeypatch):
    coupon, owner = make.make_coupon(store, quota=100), make.actor_for(make.owner_of(store))
    batch = batches.make(store, coupon.code, name="Parcels", size=25, actor=owner)
    write, calls = batches._write, []

    def dies(*given):
        calls.append(given[1:])
        if len(calls) == 3:
            raise jobs.LeaseLostError("gone")
        write(*given)

    monkeypatch.setattr(
        "policies.active", lambda rules, now: rules(codes_per_batch=10) if rules is ReachRules else rules()
    )
    monkeypatch.setattr(batches, "_write", dies)
    jobs.run_due()
    assert SingleCode.objects.filter(batch=batch).count() == 20
    with clock.freeze(NOON + timedelta(hours=1)):
        jobs.run_due()
    assert calls == [(0, 10), (10, 20), (20, 25), (20, 25)]
    assert SingleCode.objects.filter(batch=batch).count() == 25
    assert CodeBatch.objects.get(pk=batch.pk).state == "ready"


def test_sizes_stay_within_quota_and_policy_and_a_sealed_batch_is_never_exported(store: Store):
    owner, coupon = make.actor_for(make.owner_of(store)), make.make_coupon(store, quota=10)
    batch = make.make_codes(coupon, 6)
    assert Coupon.objects.get(pk=coupon.pk).codes_only
    for size in (0, 5, 10**9):
        with pytest.raises(InvalidInput):
            batches.make(store, coupon.code, name="More", size=size, actor=owner)
    batches.seal(store, coupon.code, batch.pk, actor=owner)
    with pytest.raises(Conflict) as refused:
        batches.export(store, coupon.code, batch.pk, actor=owner)
    assert refused.value.code == "ERR_COUPON_CODES_GONE"
    assert not bytes(CodeBatch.objects.get(pk=batch.pk).salt)
    with pytest.raises(NotFound):
        batches.seal(store, make.make_coupon(store).code, batch.pk, actor=owner)
    over = make.make_coupon(store, state="voided")
    with pytest.raises(DomainError):
        batches.make(store, over.code, name="Late", size=1, actor=owner)


def test_another_key_of_the_installation_exports_nothing_and_the_codes_still_work(store: Store, settings):
    coupon = make.make_coupon(store)
    batch = make.make_codes(coupon, 2)
    code = codes_of(store, batch)[0]
    settings.SECRET_KEY = "another-key-of-the-installation"
    with pytest.raises(Conflict):
        codes_of(store, batch)
    assert batches.resolve(store.pk, [code]) == {code: coupon.pk}


def test_the_tab_makes_downloads_seals_and_tells_the_record(store: Store, client):
    client.force_login(make.owner_of(store))
    coupon = make.make_coupon(store)
    places = {"store": store.slug, "code": coupon.code}
    tab = reverse("coupons:codes", kwargs=places)
    wrong = client.post(reverse("coupons:codes_make", kwargs=places), {"name": "", "size": "100000"})
    assert wrong.status_code == 422
    assert (
        client.post(reverse("coupons:codes_make", kwargs=places), {"name": "Flyers", "size": "12"}).status_code == 302
    )
    assert "hx-get" in client.get(tab).content.decode()
    jobs.run_due()
    text = client.get(tab).content.decode()
    assert "Flyers" in text
    batch = CodeBatch.objects.get(coupon=coupon)
    there = {**places, "batch": batch.pk}
    answer = client.get(reverse("coupons:codes_csv", kwargs=there))
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0] == "code,coupon"
    assert len(lines) == 13
    assert set(batches.resolve(store.pk, [line.split(",")[0] for line in lines[1:]]).values()) == {coupon.pk}
    assert client.get(reverse("coupons:codes_seal", kwargs=there)).status_code == 200
    assert client.post(reverse("coupons:codes_seal", kwargs=there)).status_code == 302
    gone = client.get(reverse("coupons:codes_csv", kwargs=there))
    assert gone.status_code == 409
    assert "ERR_COUPON_CODES_GONE" in gone.content.decode()
    done = (
        AuditEvent.objects.filter(object_id=coupon.code, result="done").order_by("id").values_list("action", flat=True)
    )
    assert list(done) == ["coupon.codes_make", "coupon.codes_export", "coupon.codes_seal"]
    assert CouponTally.objects.get(coupon=coupon).claimed == 0
