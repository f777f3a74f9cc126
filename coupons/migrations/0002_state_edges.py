"""The states' edges in the database; room in the pages of the counters, so that a claim stays a heap-only update."""

from django.db import migrations

EDGES = (
    ("draft", "active"),
    ("draft", "voided"),
    ("active", "paused"),
    ("active", "expired"),
    ("active", "voided"),
    ("paused", "active"),
    ("paused", "expired"),
    ("paused", "voided"),
)
PAIRS = ", ".join(f"'{source}>{target}'" for source, target in EDGES)

FORWARD = f"""
CREATE FUNCTION coupons_refuse_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'coupon %: no way from % to %', OLD.code, OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coupon_edges';
END $$;
CREATE TRIGGER coupon_edges BEFORE UPDATE OF state ON coupons_coupon FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({PAIRS}))
    EXECUTE FUNCTION coupons_refuse_edge();
"""
BACKWARD = """
DROP TRIGGER coupon_edges ON coupons_coupon;
DROP FUNCTION coupons_refuse_edge();
"""


ROOMY = "ALTER TABLE coupons_coupontally SET (fillfactor = 50)"
TIGHT = "ALTER TABLE coupons_coupontally RESET (fillfactor)"


class Migration(migrations.Migration):
    dependencies = [("coupons", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD), migrations.RunSQL(ROOMY, TIGHT)]
