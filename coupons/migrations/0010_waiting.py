"""A coupon that waits for its campaign is not issued yet: the counters follow its bond as they follow its state."""

from django.db import migrations

FUNCTIONS = """
CREATE OR REPLACE FUNCTION coupons_tally_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT {issued} INTO STRICT NEW.issuing FROM coupons_coupon n WHERE id = NEW.coupon_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION coupons_tally_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE coupons_coupontally t SET issuing = ({issued}) FROM changed n
    WHERE t.coupon_id = n.id AND t.issuing IS DISTINCT FROM ({issued});
    RETURN NULL;
END $$;
UPDATE coupons_coupontally t SET issuing = ({issued}) FROM coupons_coupon n
WHERE t.coupon_id = n.id AND t.issuing IS DISTINCT FROM ({issued});
"""
FORWARD = FUNCTIONS.format(issued="n.state = 'active' AND n.bond <> 'waits'")
BACKWARD = FUNCTIONS.format(issued="n.state = 'active'")


class Migration(migrations.Migration):
    dependencies = [("coupons", "0009_code_length")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
