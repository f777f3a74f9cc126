from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of closed campaigns gets the id, so that the history pages by the time of the close."""

    dependencies = [("campaigns", "0011_bulk_freeze")]

    operations = [
        migrations.RemoveIndex(model_name="campaign", name="campaign_closed"),
        migrations.AddIndex(
            model_name="campaign",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["store", "closed_at", "id"],
                name="campaign_closed",
            ),
        ),
    ]
