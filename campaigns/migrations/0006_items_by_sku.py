"""One index answers which campaigns a store's SKUs are in, in the order of SKUs; it takes the place of the one of the store alone."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0005_closed_at_index")]

    operations = [
        migrations.AddIndex(
            "campaignitem",
            models.Index(
                fields=["store", "sku", "campaign"], include=["price", "ended_at"], name="campaign_item_by_sku"
            ),
        ),
        migrations.AlterField(
            "campaignitem",
            "store",
            models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.store"
            ),
        ),
    ]
