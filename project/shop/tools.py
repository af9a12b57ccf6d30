"""What the assistant can do with products, the page and the cart: here, in the page, or in either.

order_tools.py and stock_tools.py have the rest.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from chatkit_app.engine.approvals import Ask
from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.exceptions import ToolError
from project.shop import cart as carts
from project.shop.catalogue import search
from project.shop.models import Wrapping

ProductId = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9-]{1,50}$",
        description="A product's id, as search_catalogue tells it.",
    ),
]

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


def _asks_to_empty(_input: Any, _user: Any, _context: ToolContext) -> Ask:
    return Ask("Take everything out of the cart?")


empty_cart = tool_definition(
    name="empty_cart",
    description="Take everything out of the visitor's cart. They are asked to approve it.",
    output=Cart,
    effect="idempotent",
    needs_approval=_asks_to_empty,
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


def empty_own_cart(context: ToolContext, _nothing: object) -> Cart:
    """The server's half of ``empty_cart``."""
    carts.items_of(context.user).delete()
    return read_own_cart(context, None)


# --- on the server for both, and asks in the middle ----------------------------------------


class GiftWrap(BaseModel):
    """What is asked about the wrapping of a gift."""

    paper: Literal["Sage linen", "Terracotta stripes", "Plain kraft"] = Field(
        title="Paper"
    )
    card: str = Field(
        "",
        title="Card",
        max_length=120,
        description="What we write on the card; empty for none.",
    )


class Wrapped(BaseModel):
    """How the cart is wrapped; not at all where the visitor did not want to choose."""

    is_wrapped: bool
    paper: str = ""
    card: str = ""


@tool(effect="idempotent", questions=[GiftWrap])
def gift_wrap(context: ToolContext) -> Wrapped:
    """Wrap the visitor's cart as a gift. It asks them for the paper and the words on the card."""
    wanted = context.ask(
        GiftWrap, "How shall we wrap it?", initial={"paper": "Sage linen"}
    )
    if wanted is None:
        return Wrapped(is_wrapped=False)
    Wrapping.objects.update_or_create(
        owner_key=context.viewer.key, defaults=wanted.model_dump()
    )
    return Wrapped(is_wrapped=True, **wanted.model_dump())
