"""What a coupon cost stays as it was written (R58); budgets of coupons that are there already."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION coupons_keep_cost() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'cost entry %: the ledger is kept as it was written; write an entry that takes it back', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coupon_cost_kept';
END $$;
CREATE TRIGGER coupon_cost_kept BEFORE UPDATE OR DELETE ON coupons_costentry FOR EACH ROW
    EXECUTE FUNCTION coupons_keep_cost();
UPDATE coupons_coupontally t SET budget = c.budget FROM coupons_coupon c WHERE c.id = t.coupon_id AND c.budget IS NOT NULL;
"""
BACKWARD = """
DROP TRIGGER coupon_cost_kept ON coupons_costentry;
DROP FUNCTION coupons_keep_cost();
"""


class Migration(migrations.Migration):
    dependencies = [("coupons", "0003_costs_and_codes")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
