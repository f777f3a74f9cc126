"""Sendings of coupons, their recipients, and the stores' SMS gateways (R81)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_penalties"),
        ("coupons", "0012_arms"),
    ]

    operations = [
        migrations.CreateModel(
            name="SmsGateway",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(max_length=2000)),
                ("header", models.CharField(max_length=60)),
                ("secret", models.BinaryField()),
                ("changed_at", models.DateTimeField()),
                ("changed_by", models.CharField(max_length=160)),
                (
                    "store",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.store"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Sending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(choices=[("email", "E-mail"), ("sms", "SMS")], max_length=5)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Not started"),
                            ("sending", "Going out"),
                            ("paused", "Sending paused"),
                            ("done", "All settled"),
                            ("stopped", "Stopped for good"),
                        ],
                        default="draft",
                        max_length=7,
                    ),
                ),
                (
                    "issue",
                    models.BooleanField(
                        default=False, help_text="Recipients of the segment who lack the coupon get it first."
                    ),
                ),
                ("subject_en", models.CharField(blank=True, max_length=200)),
                ("subject_zh", models.CharField(blank=True, max_length=200)),
                ("text_en", models.TextField(blank=True)),
                ("text_zh", models.TextField(blank=True)),
                ("total", models.PositiveIntegerField()),
                ("go", models.PositiveSmallIntegerField(default=1)),
                (
                    "in_a_row",
                    models.PositiveIntegerField(default=0, help_text="Failures since the last success."),
                ),
                ("why", models.CharField(blank=True, default="", max_length=40)),
                ("next_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.CharField(help_text="Who said that the recipients agreed.", max_length=160),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("moved_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("dropped_at", models.DateTimeField(help_text="When its addresses were dropped.", null=True)),
                (
                    "coupon",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sendings",
                        to="coupons.coupon",
                    ),
                ),
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
            options={
                "indexes": [
                    models.Index(fields=["coupon", "-id"], name="sending_list"),
                    models.Index(
                        condition=models.Q(("state", "sending")),
                        fields=["store", "channel", "id"],
                        name="sending_going",
                    ),
                    models.Index(
                        condition=models.Q(("dropped_at", None)), fields=["moved_at"], name="sending_addresses"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Recipient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("buyer", models.CharField(max_length=80)),
                ("address", models.BinaryField(default=b"", help_text="Sealed; empty once it was dropped.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("trying", "Being sent"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("unknown", "Outcome unknown"),
                            ("skipped", "Left out"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("go", models.PositiveSmallIntegerField(default=1)),
                ("code", models.CharField(blank=True, default="", max_length=40)),
                ("answer", models.PositiveSmallIntegerField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                (
                    "sending",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recipients",
                        to="coupons.sending",
                    ),
                ),
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
            options={
                "indexes": [
                    models.Index(fields=["sending", "state", "id"], name="sending_recipient_state"),
                    models.Index(fields=["store", "buyer"], name="sending_recipient_buyer"),
                    models.Index(
                        condition=models.Q(("state", "trying")), fields=["tried_at"], name="sending_in_flight"
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("sending", "buyer"), name="sending_buyer_once")],
            },
        ),
    ]
