"""One index answers which campaigns a store's SKU is in; it takes the place of the one that did not begin with the store."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0005_closed_at_index")]

    operations = [
        migrations.AddIndex(
            "campaignitem",
            models.Index(fields=["store", "sku", "campaign"], include=["price"], name="campaign_item_by_sku"),
        ),
        migrations.RemoveIndex("campaignitem", "campaign_item_sku"),
    ]
