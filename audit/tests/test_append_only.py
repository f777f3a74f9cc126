"""The database refuses to change the record (R189)."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection, transaction

from audit.actors import system
from audit.models import PersonalValue
from audit.record import Entry, Target, record

TABLES = ["audit_auditevent", "audit_leaf", "audit_node", "audit_checkpoint"]
COLUMN = {"audit_auditevent": "reason", "audit_leaf": "seq", "audit_node": "hash", "audit_checkpoint": "note"}


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}"])
def test_no_change_is_accepted(table, change):
    with (
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match=f"{table} is append-only"),
        transaction.atomic(),
    ):
        cursor.execute(change.format(table, COLUMN[table]))


@pytest.mark.django_db
def test_a_personal_value_may_go_but_never_change():
    event = record(Entry("demo.act", Target("demo", "1")), actor=system(), personal={"email": "a@b.test"})
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        PersonalValue.objects.filter(event_id=event.id).update(value="c@d.test")
    assert PersonalValue.objects.filter(event_id=event.id).delete()[0] == 1
