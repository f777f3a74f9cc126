"""Sealed figures never change; archives that were made before this room existed get theirs from the orders that they counted."""

from django.db import migrations

SEAL = """
CREATE FUNCTION insights_keep_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the figures of campaign % are sealed', OLD.campaign_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'figures_sealed';
END $$;
CREATE TRIGGER figures_sealed BEFORE UPDATE OR DELETE ON insights_campaignfigures FOR EACH ROW
    EXECUTE FUNCTION insights_keep_figures();
"""
UNSEAL = """
DROP TRIGGER figures_sealed ON insights_campaignfigures;
DROP FUNCTION insights_keep_figures();
"""
BACKFILL = """
INSERT INTO insights_campaignfigures (campaign_id, store_id, sealed_at, currency, impressions, clicks, add_to_cart, orders, buyers, units,
    sales_amount, discount_cost, ad_spend, others)
SELECT a.campaign_id, a.store_id, a.archived_at, s.currency, 0, 0, 0, f.orders, f.buyers, coalesce(f.units, 0), coalesce(f.paid, 0),
    coalesce(f.saved, 0), 0, '[]'
FROM campaigns_campaignarchive a
JOIN campaigns_campaign c ON c.id = a.campaign_id
JOIN accounts_store s ON s.id = a.store_id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT o.id) AS orders, count(DISTINCT coalesce(nullif(o.buyer, ''), '#' || o.id)) AS buyers, sum(n.quantity) AS units,
        sum(n.quantity * n.unit_price - n.order_discount) AS paid, sum(n.quantity * (n.list_price - n.unit_price)) AS saved
    FROM orders_orderline n JOIN orders_order o ON o.id = n.order_id
    WHERE n.store_id = a.store_id AND n.campaign_code = c.code AND n.campaign_code <> '' AND o.state <> 'cancelled'
        AND o.currency = s.currency AND o.placed_at <= a.archived_at
) f
ON CONFLICT (campaign_id) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0001_initial"),
        ("campaigns", "0002_state_edges"),
        ("orders", "0002_frozen"),
    ]

    operations = [migrations.RunSQL(SEAL, UNSEAL), migrations.RunSQL(BACKFILL, migrations.RunSQL.noop)]
