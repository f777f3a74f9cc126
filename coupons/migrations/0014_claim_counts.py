"""Claims are counted by quarters of an hour, and what changes about a counted one is told."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

# A claim is counted with its quarter some minutes after the quarter is over (`coupons.counting.PATIENCE`). One that is written with a
# moment further back than half of that may be too late for its quarter; its row says so. Nothing else of a claim being made fires. Orders of
# a buyer who holds claims are told for all of these claims.
TELL = """
CREATE FUNCTION coupons_claim_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coupons_claimnews (store_id, coupon_id, claim_id, late)
    VALUES (NEW.store_id, NEW.coupon_id, NEW.id, TG_OP = 'INSERT');
    RETURN NULL;
END $$;
CREATE TRIGGER claim_came_late AFTER INSERT ON coupons_claim FOR EACH ROW
    WHEN (NEW.claimed_at < statement_timestamp() - interval '5 minutes') EXECUTE FUNCTION coupons_claim_told();
CREATE TRIGGER claim_was_used AFTER UPDATE OF state ON coupons_claim FOR EACH ROW
    WHEN ((OLD.state = 'redeemed') <> (NEW.state = 'redeemed')) EXECUTE FUNCTION coupons_claim_told();

CREATE FUNCTION coupons_orders_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coupons_claimnews (store_id, coupon_id, claim_id)
    SELECT k.store_id, k.coupon_id, k.id
    FROM (SELECT store_id, buyer, min(placed_at) AS first, max(placed_at) AS last FROM placed WHERE buyer <> '' GROUP BY 1, 2) o
    JOIN coupons_claim k ON k.store_id = o.store_id AND k.buyer = o.buyer
    JOIN coupons_coupon c ON c.id = k.coupon_id
    WHERE k.state <> 'redeemed' AND k.claimed_at <= o.last AND c.ends_at > o.first;
    RETURN NULL;
END $$;
CREATE TRIGGER order_follows_claims AFTER INSERT ON orders_order REFERENCING NEW TABLE AS placed
    FOR EACH STATEMENT EXECUTE FUNCTION coupons_orders_told();

CREATE FUNCTION coupons_order_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coupons_claimnews (store_id, coupon_id, claim_id)
    SELECT k.store_id, k.coupon_id, k.id FROM coupons_claim k
    WHERE k.store_id = NEW.store_id AND k.buyer = NEW.buyer AND k.buyer <> '' AND k.claimed_at <= NEW.placed_at;
    RETURN NULL;
END $$;
CREATE TRIGGER order_leaves_claims AFTER UPDATE OF state ON orders_order FOR EACH ROW
    WHEN ((OLD.state = 'cancelled') <> (NEW.state = 'cancelled')) EXECUTE FUNCTION coupons_order_told();
"""
HUSH = """
DROP TRIGGER order_leaves_claims ON orders_order;
DROP TRIGGER order_follows_claims ON orders_order;
DROP FUNCTION coupons_order_told();
DROP FUNCTION coupons_orders_told();
DROP TRIGGER claim_was_used ON coupons_claim;
DROP TRIGGER claim_came_late ON coupons_claim;
DROP FUNCTION coupons_claim_told();
"""
STORE = django.db.models.deletion.CASCADE


def _id() -> tuple[str, models.Field]:
    return "id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def _store() -> tuple[str, models.Field]:
    return "store", models.ForeignKey(db_index=False, on_delete=STORE, related_name="+", to="accounts.store")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_penalties"),
        ("coupons", "0013_sending"),
        ("orders", "0005_order_order_of_buyer"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClaimCount",
            fields=[
                _id(),
                ("at", models.DateTimeField(help_text="When the quarter began.")),
                ("channel", models.CharField(blank=True, max_length=20)),
                ("claims", models.PositiveIntegerField(default=0)),
                ("orders", models.PositiveIntegerField(default=0)),
                ("redemptions", models.PositiveIntegerField(default=0)),
                (
                    "coupon",
                    models.ForeignKey(db_index=False, on_delete=STORE, related_name="+", to="coupons.coupon"),
                ),
                _store(),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("coupon", "at", "channel"), name="claim_count_once")],
            },
        ),
        migrations.CreateModel(
            name="Counted",
            fields=[
                (
                    "coupon",
                    models.OneToOneField(
                        on_delete=STORE, primary_key=True, related_name="+", serialize=False, to="coupons.coupon"
                    ),
                ),
                ("until", models.DateTimeField()),
                ("claims", models.PositiveIntegerField(default=0)),
                _store(),
            ],
        ),
        migrations.CreateModel(
            name="ClaimStage",
            fields=[
                (
                    "claim",
                    models.OneToOneField(
                        on_delete=STORE, primary_key=True, related_name="+", serialize=False, to="coupons.claim"
                    ),
                ),
                ("stage", models.PositiveSmallIntegerField(choices=[(1, "Ordered"), (2, "Redeemed")])),
                _store(),
            ],
        ),
        migrations.CreateModel(
            name="ClaimNews",
            fields=[
                _id(),
                ("late", models.BooleanField(db_default=False, default=False)),
                ("claim", models.ForeignKey(on_delete=STORE, related_name="+", to="coupons.claim")),
                ("coupon", models.ForeignKey(on_delete=STORE, related_name="+", to="coupons.coupon")),
                _store(),
            ],
        ),
        migrations.RunSQL(TELL, HUSH),
    ]
