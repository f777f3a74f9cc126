import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("listings", "0005_fewer_offer_indexes"),
        ("publishing", "0002_site_page_url"),
    ]

    operations = [
        migrations.AlterField(
            model_name="publication",
            name="listing",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="publications",
                to="listings.listing",
            ),
        ),
        migrations.AlterField(
            model_name="publication",
            name="site",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="publications",
                to="publishing.site",
            ),
        ),
    ]
