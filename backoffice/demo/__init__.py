"""Demo stores, people, catalogue, orders and campaigns (glossary §2): invented names, times relative to the moment of loading."""

DEMO_PASSWORD = "demo-promotion-2026"  # noqa: S105 - published on the sign-in page on purpose; demo installations only

#: Who can sign in, in the order of the sign-in page: e-mail, English, Chinese.
ACCOUNTS = (
    ("owner@demo.test", "Demo Owner", "店主（演示）"),
    ("operator@demo.test", "Demo Operator A", "运营A（演示）"),
    ("operator-b@demo.test", "Demo Operator B", "运营B（演示）"),
    ("viewer@demo.test", "Demo Viewer", "只读（演示）"),
    ("admin@demo.test", "Demo Platform Staff", "平台小二（演示）"),
)
