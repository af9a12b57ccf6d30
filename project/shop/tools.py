"""What the assistant can do: some of it here, some in the visitor's page, the cart in either."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.exceptions import ToolError
from project.shop import cart as carts
from project.shop.catalogue import search
from project.shop.models import Order, Product

ProductId = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9-]{1,50}$",
        description="A product's id, as search_catalogue tells it.",
    ),
]

COUNTING_SECONDS = 0.5
"""What counting one product takes. Simulated: there is no warehouse behind this shop."""

MOST_FOUND = 20


# --- on the server -------------------------------------------------------------------------


class FoundProduct(BaseModel):
    """A product, as the model reads it."""

    id: str
    name: str
    description: str
    price: Decimal = Field(description="In euros.")
    stock: int


@tool(effect="read")
def search_catalogue(
    query: str, max_price: Annotated[float, Field(ge=0, le=100_000)] | None = None
) -> list[FoundProduct]:
    """Search the shop's products.

    Args:
        query: Words that the product's name, description or room has; empty for all products.
        max_price: In euros; only what costs no more.
    """
    limit = None if max_price is None else Decimal(str(max_price))
    return [
        FoundProduct(
            id=product.pk,
            name=product.name,
            description=product.description,
            price=product.price,
            stock=product.stock,
        )
        for product in search(query, limit)[:MOST_FOUND]
    ]


class FoundOrder(BaseModel):
    """An order, as the model reads it."""

    number: int
    status: str
    placed_on: date
    expected_on: date | None
    total: Decimal = Field(description="In euros.")
    lines: list[str]


@tool(effect="read")
def order_status(
    context: ToolContext, number: Annotated[str, Field(pattern=r"^#?[0-9]{1,9}$")]
) -> FoundOrder:
    """Tell how far an order of the visitor is.

    Args:
        number: The order's number, such as 1042.
    """
    if context.user is None:
        raise ToolError("Not logged in. Orders are told to their customers alone.")
    # The customer's own orders are all there is: a foreign number is as good as a missing one.
    order = context.user.orders.filter(number=int(number.lstrip("#"))).first()
    if order is None:
        raise ToolError("There is no order of this number in this account.")
    return _found(order)


def _found(order: Order) -> FoundOrder:
    return FoundOrder(
        number=order.number,
        status=order.get_status_display(),
        placed_on=order.placed_on,
        expected_on=order.expected_on,
        total=order.total,
        lines=[str(line) for line in order.lines.select_related("product")],
    )


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
    products = list(Product.objects.all())
    for number, product in enumerate(products):
        context.progress(f"Counting {product.name}", number / len(products))
        time.sleep(COUNTING_SECONDS)
    context.progress("All counted", 1.0)
    return StockReport(
        products=len(products),
        pieces=sum(product.stock for product in products),
        value=sum((product.stock * product.price for product in products), Decimal(0)),
        sold_out=[product.name for product in products if product.stock == 0],
        low=[product.name for product in products if 0 < product.stock <= 5],
    )


# --- in the page: static/shop/tools.js has the functions of these names --------------------


class SelectedText(BaseModel):
    """What is selected; empty where nothing is."""

    text: str


get_selected_text = tool_definition(
    name="get_selected_text",
    description="Read the text that the visitor has selected in the page.",
    output=SelectedText,
    effect="read",
)


class NewNote(BaseModel):
    """A note to be kept."""

    text: str = Field(min_length=1, max_length=2000)


class Notes(BaseModel):
    """All notes, the oldest first."""

    notes: list[str]


add_note = tool_definition(
    name="add_note",
    description="Add a note to the visitor's own notes. They are kept in their browser alone.",
    input=NewNote,
    output=Notes,
    effect="once",
)

list_notes = tool_definition(
    name="list_notes",
    description="Read the visitor's own notes.",
    output=Notes,
    effect="read",
)


class Highlight(BaseModel):
    """Which product."""

    product_id: ProductId


class Highlighted(BaseModel):
    """Whether the page shows this product at all."""

    found: bool


highlight_product = tool_definition(
    name="highlight_product",
    description=(
        "Scroll to a product in the page that the visitor sees and mark it. The catalogue shows "
        "all products; where found is false, navigate there first."
    ),
    input=Highlight,
    output=Highlighted,
)


class Destination(BaseModel):
    """A page of the shop. ``product`` needs the product's id."""

    page: Literal["catalogue", "product", "cart", "orders", "notes"]
    product_id: ProductId | None = None


class Arrival(BaseModel):
    """Where the visitor is taken."""

    path: str


navigate = tool_definition(
    name="navigate",
    description="Take the visitor to a page of the shop. The chat goes on there.",
    input=Destination,
    output=Arrival,
)


# --- in either: the cart of a customer is ours, that of a visitor stays in the browser -----


class CartAddition(BaseModel):
    """A product and how many of it."""

    product_id: ProductId
    quantity: int = Field(default=1, ge=1, le=carts.MOST)


class CartLine(BaseModel):
    """A product in the cart."""

    product_id: str
    name: str
    quantity: int
    price: Decimal = Field(description="Of one, in euros.")


class Cart(BaseModel):
    """The whole cart."""

    lines: list[CartLine]
    total: Decimal = Field(description="In euros.")


add_to_cart = tool_definition(
    name="add_to_cart",
    description="Put a product into the visitor's cart, on top of what is there.",
    input=CartAddition,
    output=Cart,
    effect="once",
)

show_cart = tool_definition(
    name="show_cart",
    description="Read what is in the visitor's cart.",
    output=Cart,
    effect="read",
)


def add_to_own_cart(context: ToolContext, addition: CartAddition) -> Cart:
    """The server's half of ``add_to_cart``."""
    try:
        carts.add(context.user, addition.product_id, addition.quantity)
    except carts.CartError as error:
        raise ToolError(str(error)) from error
    return read_own_cart(context, None)


def read_own_cart(context: ToolContext, _nothing: object) -> Cart:
    """The server's half of ``show_cart``."""
    items = list(carts.items_of(context.user))
    lines = [
        CartLine(
            product_id=item.product_id,
            name=item.product.name,
            quantity=item.quantity,
            price=item.product.price,
        )
        for item in items
    ]
    return Cart(lines=lines, total=carts.total_of(items))
