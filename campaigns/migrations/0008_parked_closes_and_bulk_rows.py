import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

#: Jobs from before had codes and results in one row each.
CARRY_OVER = """
UPDATE campaigns_bulkjob SET state = 'done', total = jsonb_array_length(codes);
INSERT INTO campaigns_bulkrow (store_id, job_id, position, code, result, error)
SELECT j.store_id, j.id, r.position - 1, left(r.value ->> 'code', 40), r.value ->> 'result', NULLIF(r.value -> 'error', 'null')
FROM campaigns_bulkjob j, jsonb_array_elements(j.results) WITH ORDINALITY AS r(value, position);
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_counters_and_sessions"),
        ("campaigns", "0007_affiliate_plans"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("code", models.CharField(max_length=40)),
                (
                    "version",
                    models.PositiveIntegerField(help_text="The campaign's version when it was chosen.", null=True),
                ),
                ("result", models.CharField(blank=True, max_length=8)),
                ("error", models.JSONField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ParkedClose",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", models.CharField(max_length=10)),
                (
                    "then",
                    models.CharField(
                        choices=[("act", "Do it at once"), ("ask", "Send me a message and wait for me")], max_length=3
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("clear", "The way is clear: your turn"),
                            ("done", "Carried out"),
                            ("refused", "Not carried out"),
                            ("withdrawn", "Withdrawn"),
                            ("overtaken", "No longer needed"),
                            ("expired", "Expired with the campaign"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("freeze_claimed", models.BooleanField(default=False)),
                ("actor", models.JSONField(default=dict, help_text="Who parked it, as the record names them.")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "blockers",
                    models.JSONField(default=list, help_text="Codes of the guards in its way at the last look."),
                ),
                ("looked_at", models.DateTimeField(null=True)),
                ("next_look_at", models.DateTimeField(null=True)),
                ("clear_since", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("outcome", models.JSONField(help_text="Why it was not carried out: code and words.", null=True)),
            ],
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="actor",
            field=models.JSONField(default=dict, help_text="Who confirmed it, as the record names them."),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="filter",
            field=models.TextField(
                blank=True, help_text="The query string of the list when all that match were chosen."
            ),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="language",
            field=models.CharField(blank=True, max_length=12),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="note",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="retry_of",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="retries", to="campaigns.bulkjob"
            ),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="scope",
            field=models.CharField(
                choices=[
                    ("chosen", "Ticked one by one"),
                    ("matching", "All that matched the filter"),
                    ("live", "Everything that was running"),
                    ("retry", "What was not done the time before"),
                ],
                default="chosen",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="started_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "Chosen, not confirmed"),
                    ("queued", "Queued"),
                    ("running", "Running"),
                    ("done", "Done"),
                ],
                default="draft",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="total",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="bulkjob",
            name="worked_at",
            field=models.DateTimeField(help_text="When its last batch was done; jobs take turns by it.", null=True),
        ),
        migrations.AddField(
            model_name="campaign",
            name="note_before_cancel",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="campaign",
            name="reason_before_cancel",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.AddIndex(
            model_name="bulkjob",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])), fields=["id"], name="bulk_due"
            ),
        ),
        migrations.AddIndex(
            model_name="bulkjob",
            index=models.Index(condition=models.Q(("state", "draft")), fields=["created_at"], name="bulk_drafts"),
        ),
        migrations.AddField(
            model_name="bulkrow",
            name="job",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="campaigns.bulkjob"
            ),
        ),
        migrations.AddField(
            model_name="bulkrow",
            name="store",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.store"
            ),
        ),
        migrations.AddField(
            model_name="parkedclose",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="parked", to="campaigns.campaign"
            ),
        ),
        migrations.AddField(
            model_name="parkedclose",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="parkedclose",
            name="store",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.store"
            ),
        ),
        migrations.AddIndex(
            model_name="bulkrow",
            index=models.Index(condition=models.Q(("result", "")), fields=["job", "position"], name="bulk_row_open"),
        ),
        migrations.AddIndex(
            model_name="bulkrow",
            index=models.Index(fields=["job", "result", "position"], name="bulk_row_by_result"),
        ),
        migrations.AddConstraint(
            model_name="bulkrow",
            constraint=models.UniqueConstraint(fields=("job", "position"), name="bulk_row_once"),
        ),
        migrations.AddIndex(
            model_name="parkedclose",
            index=models.Index(fields=["store", "-id"], name="parked_list"),
        ),
        migrations.AddIndex(
            model_name="parkedclose",
            index=models.Index(fields=["store", "state", "-id"], name="parked_by_state"),
        ),
        migrations.AddIndex(
            model_name="parkedclose",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "clear"])), fields=["next_look_at"], name="parked_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="parkedclose",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["waiting", "clear"])), fields=("campaign",), name="parked_once"
            ),
        ),
        migrations.RunSQL(CARRY_OVER, migrations.RunSQL.noop),
        migrations.RemoveField(
            model_name="bulkjob",
            name="codes",
        ),
        migrations.RemoveField(
            model_name="bulkjob",
            name="results",
        ),
    ]
