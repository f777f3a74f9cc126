"""What was charged and paid stays as it was written (R31)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION finance_keep_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'deposit entry %: charges and payments are kept as they were written', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_entry_kept';
END $$;
CREATE TRIGGER deposit_entry_kept BEFORE UPDATE OR DELETE ON finance_depositentry FOR EACH ROW
    EXECUTE FUNCTION finance_keep_entry();
"""
BACKWARD = """
DROP TRIGGER deposit_entry_kept ON finance_depositentry;
DROP FUNCTION finance_keep_entry();
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
