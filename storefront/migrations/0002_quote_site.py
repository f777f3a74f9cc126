"""A quote keeps the site that it was asked for on."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("storefront", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="quote",
            name="site",
            field=models.CharField(
                blank=True, db_default="", help_text="Where the buyer was, as told (R81).", max_length=20
            ),
        ),
    ]
