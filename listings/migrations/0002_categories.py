"""The category tree: 22 first-level codes of our own (R79) and the one child the demo uses."""

from django.db import migrations

FIRST_LEVEL = [
    ("apparel", "Apparel", "服饰"),
    ("accessories", "Apparel Accessories", "服饰配件"),
    ("underwear", "Underwear & Loungewear", "内衣及家居服"),
    ("shoes", "Shoes", "鞋靴"),
    ("bags", "Luggage & Bags", "箱包"),
    ("jewelry", "Jewelry", "珠宝饰品"),
    ("watches", "Watches", "手表"),
    ("beauty", "Beauty & Health", "美容健康"),
    ("hair", "Hair & Wigs", "假发及发制品"),
    ("kids", "Mother & Kids", "母婴"),
    ("toys", "Toys & Hobbies", "玩具"),
    ("sports", "Sports & Outdoors", "运动户外"),
    ("electronics", "Consumer Electronics", "消费电子"),
    ("phones", "Phones & Telecom", "手机及通讯"),
    ("computers", "Computers & Office", "电脑及办公"),
    ("appliances", "Home Appliances", "家用电器"),
    ("home", "Home & Garden", "家居园艺"),
    ("furniture", "Furniture", "家具"),
    ("lighting", "Lights & Lighting", "照明灯饰"),
    ("tools", "Tools & Home Improvement", "工具及家装"),
    ("automotive", "Auto & Motorcycle Parts", "汽摩配件"),
    ("stationery", "Stationery & Education", "文具及教育"),
]
CHILDREN = [("home", "pets", "Pet Supplies", "宠物用品")]


def plant(apps, schema_editor):
    category = apps.get_model("listings", "Category")
    for position, (code, name, name_zh) in enumerate(FIRST_LEVEL, start=1):
        category.objects.update_or_create(
            code=code, defaults={"name": name, "name_zh": name_zh, "position": position, "parent": None}
        )
    for position, (parent, code, name, name_zh) in enumerate(CHILDREN, start=1):
        category.objects.update_or_create(
            code=code,
            defaults={
                "name": name,
                "name_zh": name_zh,
                "position": position,
                "parent": category.objects.get(code=parent),
            },
        )


class Migration(migrations.Migration):
    dependencies = [("listings", "0001_initial")]
    operations = [migrations.RunPython(plant, migrations.RunPython.noop)]
