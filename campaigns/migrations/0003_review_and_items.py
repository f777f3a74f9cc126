"""Review of enrolments, enforcement by the platform, items that are closed on their own."""

from __future__ import annotations

from django.db import migrations, models


def _text(length: int, **extra: str) -> models.CharField:
    return models.CharField(blank=True, db_default="", default="", max_length=length, **extra)


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_state_edges")]

    operations = [
        migrations.AddField(
            "campaign",
            "submitted_at",
            models.DateTimeField(help_text="When it was handed in for review.", null=True),
        ),
        migrations.AddField("campaign", "reviewed_at", models.DateTimeField(null=True)),
        migrations.AddField("campaign", "reviewed_by", _text(160)),
        migrations.AddField("campaign", "review_reason", _text(40, help_text="Why it was rejected.")),
        migrations.AddField("campaign", "review_note", _text(500)),
        migrations.AddField(
            "campaign",
            "enforced_at",
            models.DateTimeField(help_text="Since when the platform enforces it (R25).", null=True),
        ),
        migrations.AddField("campaign", "enforced_reason", _text(500)),
        migrations.AddField(
            "campaignitem",
            "ended_at",
            models.DateTimeField(
                help_text="When this item alone was closed (R4); null while it takes part.", null=True
            ),
        ),
        migrations.AddField("campaignitem", "end_reason", _text(540)),
        migrations.AddIndex(
            "campaign",
            models.Index(
                condition=models.Q(("state", "in_review")), fields=["submitted_at"], name="campaign_review_due"
            ),
        ),
    ]
