from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_closing_checklist")]

    operations = [
        migrations.AddIndex(
            model_name="campaign",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)), fields=["store", "closed_at"], name="campaign_closed"
            ),
        ),
    ]
