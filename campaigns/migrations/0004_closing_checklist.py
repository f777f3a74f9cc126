import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_counters_and_sessions"),
        ("campaigns", "0003_review_and_items"),
        ("listings", "0005_fewer_offer_indexes"),
        ("publishing", "0003_fewer_page_indexes"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="leftover",
            name="leftover_list",
        ),
        migrations.AddField(
            model_name="closing",
            name="completed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="closing",
            name="evidence",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="closing",
            name="order_flow",
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddField(
            model_name="closing",
            name="overdue",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="store",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="campaigns",
                to="accounts.store",
            ),
        ),
        migrations.AlterField(
            model_name="campaignitem",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to="campaigns.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="campaignitem",
            name="sku",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="campaign_items",
                to="listings.sku",
            ),
        ),
        migrations.AlterField(
            model_name="check",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="checks",
                to="campaigns.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="check",
            name="store",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.store"
            ),
        ),
        migrations.AlterField(
            model_name="closing",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="closings",
                to="campaigns.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="closing",
            name="store",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.store"
            ),
        ),
        migrations.AlterField(
            model_name="leftover",
            name="store",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.store"
            ),
        ),
        migrations.AddIndex(
            model_name="closing",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", True), ("taken_back_at__isnull", True)),
                fields=["store", "closed_at"],
                name="closing_open",
            ),
        ),
        migrations.AddIndex(
            model_name="leftover",
            index=models.Index(fields=["store", "-id"], name="leftover_list"),
        ),
        migrations.AddIndex(
            model_name="leftover",
            index=models.Index(
                condition=models.Q(("cleared_at__isnull", True)), fields=["store", "-id"], name="leftover_open"
            ),
        ),
        # Closes of before: complete where pages were verified and data archived.
        migrations.RunSQL(
            "UPDATE campaigns_closing SET completed_at = greatest(verified_at, archived_at)"
            " WHERE verified_at IS NOT NULL AND archived_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]
