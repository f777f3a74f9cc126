"""The states' edges in the database, and when a gradual delisting ends."""

import django_fsm
from django.db import migrations, models

EDGES = (
    ("draft", "in_review"),
    ("draft", "on_sale"),
    ("in_review", "draft"),
    ("in_review", "on_sale"),
    ("on_sale", "delisting"),
    ("on_sale", "delisted"),
    ("on_sale", "taken_down"),
    ("delisting", "on_sale"),
    ("delisting", "delisted"),
    ("delisting", "taken_down"),
    ("delisted", "on_sale"),
    ("taken_down", "on_sale"),
)
PAIRS = ", ".join(f"'{source}>{target}'" for source, target in EDGES)

FORWARD = f"""
CREATE FUNCTION listings_refuse_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'listing %: no way from % to %', OLD.id, OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'listing_edges';
END $$;
CREATE TRIGGER listing_edges BEFORE UPDATE OF state ON listings_listing FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({PAIRS}))
    EXECUTE FUNCTION listings_refuse_edge();
"""
BACKWARD = "DROP TRIGGER listing_edges ON listings_listing; DROP FUNCTION listings_refuse_edge();"


class Migration(migrations.Migration):
    dependencies = [("listings", "0002_categories")]

    operations = [
        migrations.AddField(
            model_name="listing",
            name="delist_at",
            field=models.DateTimeField(blank=True, help_text="While delisting: when it ends (R164).", null=True),
        ),
        migrations.AlterField(
            model_name="listing",
            name="state",
            field=django_fsm.FSMField(
                choices=[
                    ("draft", "Draft"),
                    ("in_review", "In review"),
                    ("on_sale", "On sale"),
                    ("delisting", "Delisting"),
                    ("delisted", "Delisted"),
                    ("taken_down", "Taken down"),
                ],
                default="on_sale",
                max_length=10,
                protected=True,
            ),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(
                condition=models.Q(("state", "delisting")), fields=["delist_at"], name="listing_delist_due"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
