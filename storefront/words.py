"""The few words of the public pages, in the languages of the sites.

They follow the site, not the reader of the back office, and so are no part of its catalogues.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    tag: str
    locale: str
    price: str
    sale_price: str
    in_stock: str
    out_of_stock: str
    item: str
    availability: str
    shipping: str
    offers: str
    products: str
    more: str
    none_yet: str
    gone: str
    gone_why: str
    back: str
    from_price: str
    coupons: str
    coupon: str
    until: str
    first_order: str


_ALL = {
    "en": Words(
        "en", "en", "Price", "Sale price", "In stock", "Out of stock", "Item", "Availability", "Shipping", "Offers",
        "Products", "More products", "No products are on sale yet.", "No longer available",
        "This product is not on sale at the moment.", "Back to the shop", "from {price}",
        "Coupons", "{face} off orders of {least} or more", "until {day}", "first order only",
    ),
    "zh": Words(
        "zh-Hans", "zh_Hans", "价格", "销售价", "有货", "缺货", "规格", "库存状态", "运费模板", "优惠活动",
        "全部商品", "更多商品", "暂无在售商品。", "商品已下架", "该商品目前不在销售中。", "返回店铺", "{price}起",
        "优惠券", "满{least}减{face}", "有效期至{day}", "仅限首单",
    ),
    "ru": Words(
        "ru", "ru", "Цена", "Обычная цена", "В наличии", "Нет в наличии", "Вариант", "Наличие", "Доставка", "Акции",
        "Товары", "Ещё товары", "Пока нет товаров в продаже.", "Товар недоступен", "Сейчас этот товар не продаётся.",
        "Вернуться в магазин", "от {price}",
        "Купоны", "Скидка {face} на заказы от {least}", "до {day}", "только на первый заказ",
    ),
    "es": Words(
        "es", "es", "Precio", "Precio de venta", "Disponible", "Agotado", "Artículo", "Disponibilidad", "Envío", "Ofertas",
        "Productos", "Más productos", "Todavía no hay productos a la venta.", "Ya no está disponible",
        "Este producto no está a la venta en este momento.", "Volver a la tienda", "desde {price}",
        "Cupones", "{face} de descuento en pedidos desde {least}", "hasta el {day}", "solo en el primer pedido",
    ),
    "pt": Words(
        "pt", "pt", "Preço", "Preço de venda", "Em estoque", "Esgotado", "Item", "Disponibilidade", "Envio", "Ofertas",
        "Produtos", "Mais produtos", "Ainda não há produtos à venda.", "Não está mais disponível",
        "Este produto não está à venda no momento.", "Voltar à loja", "a partir de {price}",
        "Cupons", "{face} de desconto em pedidos a partir de {least}", "até {day}", "só no primeiro pedido",
    ),
}  # fmt: skip


def words(language: str) -> Words:
    """The words of a site's language; English where we do not speak it."""
    return _ALL.get(language.partition("-")[0].lower(), _ALL["en"])
