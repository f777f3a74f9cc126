"""A row a day and store, for figures that nothing else remembers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("insights", "0002_sealed"),
    ]

    operations = [
        migrations.CreateModel(
            name="StoreDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("read_at", models.DateTimeField()),
                ("promoted_skus", models.PositiveIntegerField()),
                (
                    "pages",
                    models.PositiveIntegerField(help_text="Public pages: one for each listing and language site."),
                ),
                ("pages_shown", models.PositiveIntegerField(help_text="Those that were as wanted.")),
                (
                    "store",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.store",
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("store", "day"), name="store_day_once")]},
        ),
    ]
