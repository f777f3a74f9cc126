"""Claims: the counters know whether the coupon is issued, and one function takes a claim under their lock."""

from django.db import migrations, models

# The counters follow the coupon's state in the statement that changes it, whoever writes it.
FOLLOW = """
CREATE FUNCTION coupons_tally_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT state = 'active' INTO STRICT NEW.issuing FROM coupons_coupon WHERE id = NEW.coupon_id;
    RETURN NEW;
END $$;
CREATE TRIGGER coupon_tally_begins BEFORE INSERT ON coupons_coupontally FOR EACH ROW EXECUTE FUNCTION coupons_tally_begins();

CREATE FUNCTION coupons_tally_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE coupons_coupontally t SET issuing = (n.state = 'active') FROM changed n
    WHERE t.coupon_id = n.id AND t.issuing IS DISTINCT FROM (n.state = 'active');
    RETURN NULL;
END $$;
CREATE TRIGGER coupon_tally_follows AFTER UPDATE ON coupons_coupon REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coupons_tally_follows();

UPDATE coupons_coupontally t SET issuing = true FROM coupons_coupon c WHERE c.id = t.coupon_id AND c.state = 'active';
"""
FORGET = """
DROP TRIGGER coupon_tally_follows ON coupons_coupon;
DROP TRIGGER coupon_tally_begins ON coupons_coupontally;
DROP FUNCTION coupons_tally_follows();
DROP FUNCTION coupons_tally_begins();
"""

# Lock the counters, look again at what may have changed while waiting (each statement of a volatile function sees what is committed by
# then), and only then write. One round trip, nothing to undo, and the lock is held for as short a time as can be.
TAKE = """
CREATE FUNCTION coupons_take_claim(
    p_store bigint, p_coupon bigint, p_buyer text, p_code text, p_country text, p_channel text, p_now timestamptz,
    p_digest bytea, p_since timestamptz, p_most integer, OUT outcome text, OUT claim_id bigint
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_issuing boolean;
    v_room boolean;
BEGIN
    SELECT t.issuing, t.claimed < t.quota INTO v_issuing, v_room
    FROM coupons_coupontally t WHERE t.coupon_id = p_coupon FOR NO KEY UPDATE;
    IF v_issuing IS NOT TRUE THEN
        outcome := 'stopped';
    ELSIF EXISTS (SELECT FROM coupons_claim c WHERE c.coupon_id = p_coupon AND c.buyer = p_buyer) THEN
        outcome := 'held';
    ELSIF NOT v_room THEN
        outcome := 'exhausted';
    ELSIF p_digest IS NOT NULL AND p_most <= (
        SELECT count(*) FROM (
            SELECT FROM coupons_claimaddress a WHERE a.coupon_id = p_coupon AND a.digest = p_digest AND a.at > p_since LIMIT p_most
        ) recent
    ) THEN
        outcome := 'velocity';
    ELSE
        UPDATE coupons_coupontally SET claimed = claimed + 1 WHERE coupon_id = p_coupon;
        INSERT INTO coupons_claim (store_id, coupon_id, code, buyer, country, channel, state, claimed_at, order_code, void_reason)
        VALUES (p_store, p_coupon, p_code, p_buyer, p_country, p_channel, 'claimed', p_now, '', '') RETURNING id INTO claim_id;
        IF p_digest IS NOT NULL THEN
            INSERT INTO coupons_claimaddress (store_id, coupon_id, digest, at) VALUES (p_store, p_coupon, p_digest, p_now);
        END IF;
        outcome := 'granted';
    END IF;
END $$;
"""
UNTAKE = (
    "DROP FUNCTION coupons_take_claim(bigint, bigint, text, text, text, text, timestamptz, bytea, timestamptz, integer)"
)


class Migration(migrations.Migration):
    dependencies = [("coupons", "0006_bond")]

    operations = [
        migrations.AddField(
            model_name="coupontally",
            name="issuing",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.RunSQL(FOLLOW, FORGET),
        migrations.RunSQL(TAKE, UNTAKE),
    ]
