"""What the assistant can do with the stock: count it for everybody, set it for the staff."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal
from typing import Annotated

from django.conf import settings
from pydantic import BaseModel, Field

from chatkit_app.engine.tools import ToolContext, tool
from chatkit_app.exceptions import ToolError
from project.shop.models import Product, Room
from project.shop.tools import ProductId

COUNTING_SECONDS = 0.5 * getattr(settings, "SHOP_PACE", 1.0)
"""What counting one product takes. Simulated: there is no warehouse behind this shop."""

LOW = 5
"""So few pieces are worth a word."""


class StockReport(BaseModel):
    """What the count has found."""

    products: int
    pieces: int
    value: Decimal = Field(description="In euros.")
    sold_out: list[str]
    low: list[str] = Field(description="Products of which five or fewer are left.")


@tool(effect="read")
def stock_report(context: ToolContext) -> StockReport:
    """Count the stock of all products. It takes several seconds and shows how far it is."""
    rooms = list(Room)
    products = sorted(
        Product.objects.all(), key=lambda product: rooms.index(Room(product.room))
    )
    counted: Counter[str] = Counter()
    for number, product in enumerate(products):
        context.progress(number / len(products), f"Counting {product.name}")
        time.sleep(COUNTING_SECONDS)
        counted[product.get_room_display()] += product.stock
        context.preliminary(dict(counted))
        if product.stock == 0:
            context.notice(f"Nothing is left of {product.name}.", "warning", "Sold out")
    context.progress(1.0, "All counted")
    pieces = counted.total()
    context.effect("toast", {"text": f"Stock counted: {pieces} pieces."})
    return StockReport(
        products=len(products),
        pieces=pieces,
        value=sum((product.stock * product.price for product in products), Decimal(0)),
        sold_out=[product.name for product in products if product.stock == 0],
        low=[product.name for product in products if 0 < product.stock <= LOW],
    )


class Stocked(BaseModel):
    """How much there is of a product now."""

    name: str
    stock: int


@tool(effect="idempotent", permission="shop.change_product")
def set_stock(
    product_id: ProductId, stock: Annotated[int, Field(ge=0, le=9999)]
) -> Stocked:
    """Set how many pieces of a product there are. For the shop's staff alone.

    Args:
        stock: Pieces.
    """
    if not Product.objects.filter(pk=product_id).update(stock=stock):
        raise ToolError("There is no such product.")
    return Stocked(name=Product.objects.get(pk=product_id).name, stock=stock)
