from django.db import migrations, models


class Migration(migrations.Migration):
    """A pause of many may freeze the use of claimed coupons; each row says how many it froze."""

    dependencies = [("campaigns", "0010_checks_of_some_pages")]

    operations = [
        migrations.AddField(
            model_name="bulkjob",
            name="freeze_claimed",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="For a pause: buyers cannot use the coupons they hold either.",
            ),
        ),
        migrations.AddField(
            model_name="bulkrow",
            name="claims_frozen",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="bulkrow",
            name="coupons_frozen",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
