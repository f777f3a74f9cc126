"""The publisher of this installation's own pages: from rows to published pages without leaving the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from publishing.models import Publisher
from publishing.snapshots import DOCUMENTS

# Who publishes a site is asked again in each batch and stays so until the batch is written: a site that changes hands is owed everything
# anew, and nobody who looked earlier may mark it as told. Many publishers hold a site at once; whoever hands it over waits for them.
HOLD = "SELECT 1 FROM publishing_site WHERE id = %(site)s AND publisher = %(publisher)s AND is_active FOR SHARE"

# Claim and build are two statements on purpose. A single one would build from the snapshot taken when it began, yet lock and mark rows
# as they are now: a change committed in between would be marked published without being so.
CLAIM = """
    SELECT id FROM publishing_publication
    WHERE site_id = %(site)s AND desired_version > published_version
    ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
"""

_WRITE = f"""
    INSERT INTO publishing_publishedpage AS page (publication_id, version, stamp, document)
    SELECT made.id, made.desired_version, made.wanted_at, made.document
    FROM ({DOCUMENTS}) AS made (id, desired_version, wanted_at, document)
    ON CONFLICT (publication_id) DO UPDATE
    SET version = excluded.version, stamp = excluded.stamp, document = excluded.document
"""  # noqa: S608 - constants only

_MARK = """
    UPDATE publishing_publication SET published_version = desired_version, published_at = %(now)s WHERE id = ANY(%(ids)s)
"""


def publish_batch(site_id: int, *, limit: int, now: datetime) -> int:
    """Publish up to `limit` due pages of a site in one transaction; answers how many (0: none due, others are at them, or the site is
    no longer ours).

    Killed anywhere, nothing of the batch has happened; run by ten workers, each page is written once per wanted version.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(HOLD, {"site": site_id, "publisher": Publisher.BUILTIN.value})
        if cursor.fetchone() is None:
            return 0
        cursor.execute(CLAIM, {"site": site_id, "limit": limit})
        ids = [row[0] for row in cursor.fetchall()]
        if ids:
            asked: dict[str, Any] = {"ids": ids, "now": now}
            cursor.execute(_WRITE, asked)
            cursor.execute(_MARK, asked)
    return len(ids)
