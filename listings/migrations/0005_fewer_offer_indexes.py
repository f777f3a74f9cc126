import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("listings", "0004_offer_label_zh"),
    ]

    operations = [
        migrations.AlterField(
            model_name="liveoffer",
            name="listing",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="offers",
                to="listings.listing",
            ),
        ),
        migrations.AlterField(
            model_name="liveoffer",
            name="sku",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="offers", to="listings.sku"
            ),
        ),
        # Half of each page stays free: switching an offer off writes a new version on the same page and touches no index.
        migrations.RunSQL(
            "ALTER TABLE listings_liveoffer SET (fillfactor = 50)", "ALTER TABLE listings_liveoffer RESET (fillfactor)"
        ),
    ]
