from django.db import migrations

REFUSE = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'The audit log is never changed. To correct something, record another event.';
END $$;
"""

TABLES = ("audit_auditevent", "audit_leaf", "audit_node", "audit_checkpoint")


def guard(table: str, name: str, when: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();",
        f"DROP TRIGGER {name} ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_tree")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION audit_refuse_change();"),
        *(guard(table, "append_only", "UPDATE OR DELETE") for table in TABLES),
        *(guard(table, "never_emptied", "TRUNCATE") for table in TABLES),
        # The erasable half of a commitment may go, but never change.
        guard("audit_personalvalue", "append_only", "UPDATE"),
    ]
