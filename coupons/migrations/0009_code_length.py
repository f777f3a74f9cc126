"""How long the codes of a batch are: a later version of the policy may say otherwise."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("coupons", "0008_evidence")]

    operations = [
        migrations.AddField(
            "codebatch", "length", models.PositiveSmallIntegerField(default=20), preserve_default=False
        ),
    ]
