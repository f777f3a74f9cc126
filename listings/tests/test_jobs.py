"""Jobs: found in the database, run under a lease, each effect once, continued after a crash (design: due work is in the database)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

import policies
from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput, NotFound, PermissionRefused
from core.scopes import in_store
from inbox.models import Message
from listings import jobs, tasks, uploads
from listings.import_job import start_catalogue_import
from listings.models import Job, PriceHistory, Sku
from listings.tabular import FileRefused
from policies.rules import ImportRules, ListingRules
from tests.factories import actor_for, make_listing, make_member, make_store

GOODS = "sku,title,sale_price\n" + "".join(f"A-{n},Thing {n},{n}.50\n" for n in range(1, 11)) + "B&1,Bad,1\nC,Free,0\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def batches_of_two(monkeypatch) -> None:
    real = policies.active

    def active(model, now):
        return ImportRules(batch=2) if model is ImportRules else real(model, now)

    monkeypatch.setattr(policies, "active", active)


def file(content: str | bytes = GOODS, name: str = "goods.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())


def queued(store, owner, content: str | bytes = GOODS, **options) -> Job:
    return start_catalogue_import(store, file(content), category="home", actor=owner, **options)


def test_an_upload_becomes_a_job_and_the_job_listings(store, owner, folder) -> None:
    job = queued(store, owner)
    assert (job.state, job.total) == ("queued", 12)
    assert jobs.run_due() == 1
    document = jobs.document(jobs.get(store, job.pk))
    assert (document["state"], document["total"], document["done"], document["failed"]) == ("done", 12, 12, 2)
    assert [(row["row"], row["code"]) for row in document["rows"]] == [
        (12, "ERR_SKU_CHARACTER"),
        (13, "ERR_MONEY_RANGE"),
    ]
    assert document["result"]["created"] == 10
    assert Sku.objects.count() == 10
    assert uploads.errors_of(job).is_file()
    actions = set(AuditEvent.objects.values_list("action", "actor_label"))
    assert actions == {(name, owner.label) for name in ("catalogue.upload", "catalogue.write", "catalogue.import")}
    assert jobs.run_due() == 0


def test_a_worker_that_died_leaves_its_job_to_the_next(store, owner, batches_of_two, monkeypatch) -> None:
    job = queued(store, owner)
    reached: list[dict[str, object]] = []
    real = jobs.Run.checkpoint

    def dies_after_three(self, cursor, *, done):
        if len(reached) == 3:
            raise KeyboardInterrupt  # what no handler catches, as `kill -9`
        reached.append(cursor)
        real(self, cursor, done=done)

    with clock.freeze(clock.now()) as time:
        monkeypatch.setattr(jobs.Run, "checkpoint", dies_after_three)
        with pytest.raises(KeyboardInterrupt):
            jobs.run_due()
        monkeypatch.setattr(jobs.Run, "checkpoint", real)
        assert Sku.objects.count() == 6
        assert jobs.run_due() == 0, "its lease still runs"
        time.tick(timedelta(seconds=121))
        assert jobs.run_due() == 1
    job.refresh_from_db()
    assert (job.state, job.params["attempts"], job.params["result"]["created"]) == ("done", 2, 10)
    assert Sku.objects.count() == PriceHistory.objects.count() == 10


def test_a_worker_that_lost_its_lease_writes_nothing_more(store, owner, batches_of_two, monkeypatch) -> None:
    job = queued(store, owner)
    real = jobs.Run.checkpoint
    taken: list[bool] = []

    def overtaken(self, cursor, *, done):
        if not taken:
            taken.append(True)
            real(self, cursor, done=done)
            Job.objects.filter(pk=job.pk).update(params={**self.job.params, "run": "somebody else"})
            return
        real(self, cursor, done=done)

    monkeypatch.setattr(jobs.Run, "checkpoint", overtaken)
    jobs.run_due()
    job.refresh_from_db()
    assert job.state == "running"
    assert Sku.objects.count() == 2


def test_a_lease_lost_at_the_very_end_stops_no_other_job(store, owner, monkeypatch) -> None:
    first, second = queued(store, owner), queued(store, owner)
    real = jobs.Run.finish

    def overtaken(self, state, *, now, **values):
        if self.job.pk == first.pk:
            Job.objects.filter(pk=first.pk).update(params={**self.job.params, "run": "somebody else"})
        real(self, state, now=now, **values)

    monkeypatch.setattr(jobs.Run, "finish", overtaken)
    assert jobs.run_due() == 2
    assert list(Job.objects.order_by("id").values_list("state", flat=True)) == ["running", "done"]
    assert second.pk > first.pk


def test_a_job_that_kills_its_workers_is_given_up_and_people_are_told(store, owner, monkeypatch) -> None:
    job = queued(store, owner)
    Job.objects.filter(pk=job.pk).update(params={**job.params, "attempts": 3})
    jobs.run_due()
    job.refresh_from_db()
    assert (job.state, job.params["error"]["code"]) == ("failed", "ERR_IMPORT_FAILED")
    assert Message.objects.get().code == "ERR_IMPORT_FAILED"
    assert not Sku.objects.exists()


def test_a_right_that_was_taken_away_stops_the_job(store, owner) -> None:
    make_listing(store, ["A-1"], price="9.99")
    editor = actor_for(make_member(store, rights=["listings.edit"]))
    job = queued(store, editor)
    jobs.run_due()
    job.refresh_from_db()
    assert (job.state, job.params["error"]["code"]) == ("failed", "ERR_PERMISSION")
    assert Sku.objects.count() == 1


def test_an_error_of_ours_fails_the_job_and_says_so(store, owner, monkeypatch) -> None:
    job = queued(store, owner)

    def broken(run: jobs.Run) -> jobs.Outcome:
        raise ZeroDivisionError

    monkeypatch.setitem(jobs._kinds, "catalogue", broken)
    jobs.run_due()
    job.refresh_from_db()
    assert job.state == "failed"
    assert "our side" in job.params["error"]["message"]


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (b"", {}, "ERR_FILE_EMPTY"),
        (b"\x89PNG\r\n" + bytes(100), {}, "ERR_FILE_KIND"),
        (b"a,b\n1,2\n", {}, "ERR_FILE_HEADER"),
        (b"sku,sale_price\nA,1\n", {"mapping": {"x": "sku"}}, "ERR_FILE_MAPPING"),
        (b"x" * (6 * 1024 * 1024), {}, "ERR_TOO_LARGE"),
    ],
)
def test_files_that_are_refused_at_once_leave_nothing(store, owner, folder, content, options, code) -> None:
    with pytest.raises(FileRefused) as refused:
        queued(store, owner, content, **options)
    assert refused.value.code == code
    assert not Job.objects.exists()
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_wrong_options_and_missing_rights(store, owner) -> None:
    with pytest.raises(InvalidInput) as refused:
        start_catalogue_import(store, file(), currency="QQQ", category="hats", stock="-3", actor=owner)
    assert {error.field for error in refused.value.errors} == {"currency", "category", "stock"}
    with pytest.raises(PermissionRefused):
        start_catalogue_import(store, file(), actor=actor_for(make_member(store, rights=["listings.view"])))


def test_the_stock_of_an_upload_keeps_to_the_policy_in_force(store, owner, monkeypatch) -> None:
    real = policies.active
    monkeypatch.setattr(
        policies, "active", lambda model, now: ListingRules(max_stock=5) if model is ListingRules else real(model, now)
    )
    with pytest.raises(InvalidInput) as refused:
        start_catalogue_import(store, file(), category="home", stock="6", actor=owner)
    assert {error.field for error in refused.value.errors} == {"stock"}


def test_jobs_are_the_stores_own(store, owner) -> None:
    job = queued(store, owner)
    other = make_store()
    with in_store(other.pk), pytest.raises(NotFound):
        jobs.get(other, job.pk)


def test_the_tasks_beat_and_old_files_go(store, owner, folder) -> None:
    queued(store, owner)
    assert tasks.run_jobs() == 1
    assert tasks.sweep() == 0
    assert tasks.tidy() == 0
    with clock.freeze(clock.now() + timedelta(days=31)):
        assert tasks.tidy() == 2
