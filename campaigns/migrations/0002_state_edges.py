"""Second line of defence: the state machine's edges, history that cannot be deleted, archives that cannot change."""

from django.db import migrations

EDGES = (
    ("draft", "in_review"),
    ("draft", "scheduled"),
    ("in_review", "scheduled"),
    ("in_review", "rejected"),
    ("in_review", "draft"),
    ("rejected", "draft"),
    ("scheduled", "running"),
    ("scheduled", "ending"),
    ("scheduled", "cancelling"),
    ("running", "paused"),
    ("running", "ending"),
    ("running", "cancelling"),
    ("paused", "running"),
    ("paused", "ending"),
    ("paused", "cancelling"),
    ("ending", "ended"),
    ("cancelling", "scheduled"),
    ("cancelling", "running"),
    ("cancelling", "paused"),
    ("cancelling", "cancelled"),
)
PAIRS = ", ".join(f"'{source}>{target}'" for source, target in EDGES)

# The edge test stands in WHEN, so that a legal change never enters a function: closing ten thousand stays set-based.
FORWARD = f"""
CREATE FUNCTION campaigns_refuse_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'campaign %: no way from % to %', OLD.code, OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'campaign_edges';
END $$;
CREATE TRIGGER campaign_edges BEFORE UPDATE OF state ON campaigns_campaign FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({PAIRS}))
    EXECUTE FUNCTION campaigns_refuse_edge();

CREATE FUNCTION campaigns_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'campaign % is %: only a draft can be deleted', OLD.code, OLD.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'campaign_history';
END $$;
CREATE TRIGGER campaign_history BEFORE DELETE ON campaigns_campaign FOR EACH ROW
    WHEN (OLD.state <> 'draft') EXECUTE FUNCTION campaigns_keep_history();

CREATE FUNCTION campaigns_keep_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the archive of campaign % never changes', OLD.campaign_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_kept';
END $$;
CREATE TRIGGER archive_kept BEFORE UPDATE OR DELETE ON campaigns_campaignarchive FOR EACH ROW
    EXECUTE FUNCTION campaigns_keep_archive();
"""
BACKWARD = """
DROP TRIGGER archive_kept ON campaigns_campaignarchive;
DROP TRIGGER campaign_history ON campaigns_campaign;
DROP TRIGGER campaign_edges ON campaigns_campaign;
DROP FUNCTION campaigns_keep_archive();
DROP FUNCTION campaigns_keep_history();
DROP FUNCTION campaigns_refuse_edge();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
