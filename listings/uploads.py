"""Files that people upload: kept under a name of our own, looked at before anything is queued, removed after a while."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from audit.actors import Actor
from audit.record import Entry, Target, record
from listings import jobs
from listings.fields import printable
from listings.models import Job
from listings.tabular import Column, FileRefused, Source, columns_of, inspect, open_table
from policies.rules import ImportRules

_FOLDER = "imports"


class Upload(Protocol):
    """An uploaded file, as Django and django-ninja give it."""

    name: str | None

    def chunks(self) -> Iterable[bytes]:
        """Its bytes, in pieces."""


def path_of(name: str) -> Path:
    """Where a kept file lies."""
    return Path(settings.MEDIA_ROOT) / name


def errors_of(job: Job) -> Path:
    """Where the refused rows of a job lie."""
    return path_of(f"{job.file}.errors.csv")


def receive(store: Store, upload: Upload, rules: ImportRules) -> str:
    """Keep an upload; answers its name below the media folder. Raises FileRefused when it is too large; nothing is left then."""
    name = f"{_FOLDER}/{store.pk}/{uuid.uuid4().hex}"
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    try:
        with path.open("wb") as file:
            for piece in upload.chunks():
                size += len(piece)
                if size > rules.max_upload_bytes:
                    words = _("The file is larger than %(most)s bytes; split it.") % {"most": rules.max_upload_bytes}
                    raise FileRefused("ERR_TOO_LARGE", words)
                file.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return name


def start(
    store: Store,
    kind: str,
    upload: Upload,
    *,
    columns: Sequence[Column],
    mapping: Mapping[str, str],
    options: Mapping[str, Any],
    action: str,
    right: str,
    actor: Actor,
    now: datetime,
) -> Job:
    """Keep an upload, make sure that it is a table with the columns that are needed, queue the job, tell the audit log.

    The caller is a verb that has checked the right. Raises FileRefused for a file of which nothing can be read; nothing is left then.
    """
    rules = policies.active(ImportRules, now)
    name = receive(store, upload, rules)
    try:
        source = look(name, rules)
        with open_table(source, rules, most_rows=rules.max_upload_rows) as table:
            columns_of(table.header, columns, mapping)
    except BaseException:
        path_of(name).unlink(missing_ok=True)
        raise
    shown = printable(upload.name or "file", 120)
    job = jobs.queue(
        store, kind, params={"mapping": dict(mapping), "options": dict(options), "name": shown, "sha256": source.sha256},
        file=name, total=max(0, source.lines - 1), actor=actor, now=now,
    )  # fmt: skip
    entry = Entry(
        action=action,
        target=Target("job", str(job.pk), shown, store.pk, store.name),
        after={"file": shown, "sha256": source.sha256, "bytes": source.size},
        right=right,
    )
    record(entry, actor=actor, now=now)
    return job


def look(name: str, rules: ImportRules) -> Source:
    """Inspect a kept file, within the limits of uploads."""
    tight = rules.model_copy(update={"max_inflated_bytes": min(rules.max_inflated_bytes, 40 * rules.max_upload_bytes)})
    return inspect(path_of(name), tight, most_bytes=rules.max_upload_bytes)


def source_of(job: Job, rules: ImportRules) -> Source:
    """The job's file, under the name that its sender gave it."""
    return replace(look(job.file, rules), given_name=str(job.params.get("name", "")))


def remove_old(now: datetime, rules: ImportRules) -> int:
    """Remove kept files that are older than the policy keeps them: they hold buyers and prices. Answers how many."""
    removed = 0
    oldest = (now - timedelta(days=rules.job_files_days)).timestamp()
    for path in (Path(settings.MEDIA_ROOT) / _FOLDER).glob("*/*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
