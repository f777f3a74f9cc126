"""The category tree (R79)."""

from django.db import migrations

from listings.tree import plant


class Migration(migrations.Migration):
    dependencies = [("listings", "0001_initial")]
    operations = [
        migrations.RunPython(
            lambda apps, editor: plant(apps.get_model("listings", "Category"), editor.connection.alias),
            migrations.RunPython.noop,
        )
    ]
