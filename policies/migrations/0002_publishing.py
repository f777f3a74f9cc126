"""Who published a version and why, and versions withdrawn before they came into force."""

from __future__ import annotations

from django.db import migrations, models


def _text(length: int) -> models.CharField:
    return models.CharField(blank=True, db_default="", default="", max_length=length)


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial")]

    operations = [
        migrations.AddField("ruleset", "reason", _text(500)),
        migrations.AddField("ruleset", "created_by", _text(160)),
        migrations.AddField(
            "ruleset",
            "withdrawn_at",
            models.DateTimeField(help_text="When it was taken back before it came into force.", null=True),
        ),
        migrations.AddField("ruleset", "withdrawn_by", _text(160)),
        migrations.RemoveConstraint("ruleset", "ruleset_start_once"),
        migrations.AddConstraint(
            "ruleset",
            models.UniqueConstraint(
                fields=["key", "valid_from"],
                name="ruleset_start_once",
                condition=models.Q(withdrawn_at=None),
            ),
        ),
    ]
