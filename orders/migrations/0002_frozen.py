"""An order keeps the terms it was placed under (R14, R15): what was sold never changes, nothing is deleted, the state only moves forward."""

import django_fsm
from django.db import migrations

EDGES = (
    ("unpaid", "paid"),
    ("unpaid", "shipped"),
    ("unpaid", "completed"),
    ("unpaid", "cancelled"),
    ("paid", "shipped"),
    ("paid", "completed"),
    ("paid", "cancelled"),
    ("shipped", "completed"),
    ("shipped", "cancelled"),
)
PAIRS = ", ".join(f"'{source}>{target}'" for source, target in EDGES)

FORWARD = f"""
CREATE FUNCTION orders_refuse_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'order %: no way from % to %', OLD.code, OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'order_edges';
END $$;
CREATE TRIGGER order_edges BEFORE UPDATE OF state ON orders_order FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({PAIRS}))
    EXECUTE FUNCTION orders_refuse_edge();

CREATE FUNCTION orders_keep_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'order %: what was sold, to whom, when and under which terms is kept as it was', OLD.code
        USING ERRCODE = 'check_violation', CONSTRAINT = 'order_frozen';
END $$;
-- State, fulfilment number, dispute and version may change. The buyer may only be forgotten.
CREATE TRIGGER order_frozen BEFORE UPDATE ON orders_order FOR EACH ROW
    WHEN (
        (OLD.id, OLD.store_id, OLD.code, OLD.country, OLD.placed_at, OLD.currency, OLD.subtotal, OLD.discount, OLD.total,
         OLD.snapshot, OLD.logistics, OLD.created_at)
        IS DISTINCT FROM
        (NEW.id, NEW.store_id, NEW.code, NEW.country, NEW.placed_at, NEW.currency, NEW.subtotal, NEW.discount, NEW.total,
         NEW.snapshot, NEW.logistics, NEW.created_at)
        OR (OLD.buyer IS DISTINCT FROM NEW.buyer AND NEW.buyer <> '')
    )
    EXECUTE FUNCTION orders_keep_order();
CREATE TRIGGER order_kept BEFORE DELETE ON orders_order FOR EACH ROW EXECUTE FUNCTION orders_keep_order();

CREATE FUNCTION orders_keep_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'order line %: what was sold is kept as it was', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'order_line_frozen';
END $$;
CREATE TRIGGER order_line_frozen BEFORE UPDATE OR DELETE ON orders_orderline FOR EACH ROW
    EXECUTE FUNCTION orders_keep_line();
"""
BACKWARD = """
DROP TRIGGER order_line_frozen ON orders_orderline;
DROP TRIGGER order_kept ON orders_order;
DROP TRIGGER order_frozen ON orders_order;
DROP TRIGGER order_edges ON orders_order;
DROP FUNCTION orders_keep_line();
DROP FUNCTION orders_keep_order();
DROP FUNCTION orders_refuse_edge();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="state",
            field=django_fsm.FSMField(
                choices=[
                    ("unpaid", "Unpaid"),
                    ("paid", "Paid"),
                    ("shipped", "Shipped"),
                    ("completed", "Completed"),
                    ("cancelled", "Cancelled by buyer or seller"),
                ],
                default="unpaid",
                max_length=10,
                protected=True,
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
