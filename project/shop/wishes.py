"""What the scripted provider can fulfil: each wish asks for the calls it needs, then tells.

A wish is a plain function. ``asked.ask(call, type)`` gives the call's result where this run has
it already; else it leaves the function, the call is made, and the next step begins anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from chatkit_app.engine.messages import Part, ToolCallPart, ToolResultPart
from chatkit_app.providers.scripted import Call
from project.shop.stock_tools import Stocked, StockReport
from project.shop.tools import (
    Arrival,
    Cart,
    FoundProduct,
    Highlighted,
    Notes,
    SelectedText,
    Wrapped,
)

T = TypeVar("T")

ARRIVED = {
    "catalogue": "Here is the catalogue.",
    "cart": "Here is your cart.",
    "orders": "Here are your orders.",
    "notes": "Here are your notes.",
}


class NotYet(Exception):
    """The wish needs this call's result first."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.name)
        self.call = call


class Refused(Exception):
    """It can't be done; the text says why."""


class Instead(Exception):
    """Whoever should have approved the call has said something else; the text is theirs."""


# What the engine's own words for the model come to, in words for people.
EDITED = re.compile(r"^Before this ran, a person changed the arguments to .*\n")
INSTEAD = re.compile(
    r"^This was not run\. The person who was asked to approve it answered instead: ",
)
SETTLED = (
    (
        r"The person who was asked did not allow this call\. Their reason: (?P<why>.+)",
        "That was denied, so I have left everything as it was. The reason: “{why}”",
    ),
    (
        r"The person who was asked did not allow this call\.",
        "All right: that was denied, so I have left everything as it was.",
    ),
    (
        r"Nobody has (?:approved this|answered the tool's question) in time\.",
        "Nobody answered in time, so I have left everything as it was. Ask again if you still "
        "want it.",
    ),
    (r"This tool is not for this user\.", "That is for the shop's staff alone."),
    (
        r"Not logged in\..*",
        "That needs an account: **log in** at the top of the page and ask again. In this demo "
        "anybody may be `ada`, with the password `ada-demo`.",
    ),
)


class Asked:
    """The calls of this run that have their results."""

    def __init__(self, answer: Sequence[Part]) -> None:
        made = {part.id: part for part in answer if isinstance(part, ToolCallPart)}
        self._results = [
            (Call(part.name, json.loads(made[part.tool_call_id].arguments)), part)
            for part in answer
            if isinstance(part, ToolResultPart) and part.tool_call_id in made
        ]

    def __bool__(self) -> bool:
        return bool(self._results)

    def ask(self, call: Call, type_: type[T]) -> T:
        """What came of the call.

        Raises:
            NotYet: It has to be made.
            Refused: It failed.
        """
        for made, result in self._results:
            if made == call:
                return _read(result, type_)
        raise NotYet(call)


def _read(result: ToolResultPart, type_: type[T]) -> T:
    content = EDITED.sub("", result.content)
    if result.is_error:
        raise _refusal(re.sub(r"^(?:Error: )+", "", content))
    try:
        return TypeAdapter(type_).validate_json(content)
    except ValidationError as error:
        raise Refused(
            f"{result.name} answered something that this script can't read."
        ) from error


def _refusal(text: str) -> Exception:
    """What an error comes to here; a tool's own words are good as they are."""
    if words := INSTEAD.match(text):
        return Instead(text[words.end() :].strip())
    for pattern, told in SETTLED:
        if match := re.fullmatch(pattern, text, re.DOTALL):
            return Refused(told.format(**match.groupdict()))
    return Refused(text)


Wish = Callable[[Asked], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Products that somebody speaks of."""

    query: str
    max_price: float | None = None


def search(wanted: Wanted) -> Wish:
    """Find products."""

    def wish(asked: Asked) -> str:
        products = _found(asked, wanted)
        lines = [
            f"- **{product.name}**, €{product.price}"
            + (f" ({product.stock} in stock)" if product.stock else " (sold out)")
            for product in products
        ]
        return "\n".join(["This is what I have found:", "", *lines])

    return wish


def highlight(wanted: Wanted) -> Wish:
    """Mark the first product that is found, on its own page where this one does not show it."""

    def wish(asked: Asked) -> str:
        product = _found(asked, wanted)[0]
        mark = Call("highlight_product", {"product_id": product.id})
        if asked.ask(mark, Highlighted).found:
            return f"The {product.name.lower()} is marked in the page."
        _go(asked, "product", product.id)
        return f"The page did not show the {product.name.lower()}, so I have opened its own."

    return wish


def open_product(wanted: Wanted) -> Wish:
    """Go to the page of the first product that is found."""

    def wish(asked: Asked) -> str:
        product = _found(asked, wanted)[0]
        _go(asked, "product", product.id)
        return f"Here is the {product.name.lower()}."

    return wish


def put_in_cart(wanted: Wanted, quantity: int) -> Wish:
    """Add the first product that is found."""

    def wish(asked: Asked) -> str:
        product = _found(asked, wanted)[0]
        addition = Call("add_to_cart", {"product_id": product.id, "quantity": quantity})
        cart = asked.ask(addition, Cart)
        return f"Done: {quantity} × {product.name}. Your cart comes to €{cart.total}."

    return wish


def show_cart(asked: Asked) -> str:
    """Tell what is in the cart."""
    cart = asked.ask(Call("show_cart"), Cart)
    if not cart.lines:
        return "Your cart is empty."
    lines = [
        f"| {line.name} | {line.quantity} | €{line.price} |" for line in cart.lines
    ]
    table = "\n".join(["| Product | Pieces | Each |", "|---|--:|--:|", *lines])
    return f"Your cart:\n\n{table}\n\nTogether **€{cart.total}**."


def empty_cart(asked: Asked) -> str:
    """Take everything out of the cart."""
    asked.ask(Call("empty_cart"), Cart)
    return "Your cart is empty now."


def wrap_cart(asked: Asked) -> str:
    """Let the cart be wrapped as a gift; the tool asks how."""
    wrapped = asked.ask(Call("gift_wrap"), Wrapped)
    if not wrapped.is_wrapped:
        return "All right, no wrapping then."
    card = f"the card says “{wrapped.card}”" if wrapped.card else "there is no card"
    return f"Your cart will be wrapped in **{wrapped.paper.lower()}**; {card}."


def count_stock(asked: Asked) -> str:
    """Report the stock."""
    report = asked.ask(Call("stock_report"), StockReport)
    return (
        f"We have **{report.pieces} pieces** of {report.products} products, worth €{report.value}.\n\n"
        f"- Sold out: {', '.join(report.sold_out) or 'nothing'}\n"
        f"- Five or fewer left: {', '.join(report.low) or 'nothing'}"
    )


def set_stock(wanted: Wanted, stock: int) -> Wish:
    """Set how many there are of the first product that is found."""

    def wish(asked: Asked) -> str:
        product = _found(asked, wanted)[0]
        call = Call("set_stock", {"product_id": product.id, "stock": stock})
        stocked = asked.ask(call, Stocked)
        return f"Done: there are {stocked.stock} of {stocked.name} now."

    return wish


def read_selection(asked: Asked) -> str:
    """Quote what is selected in the page."""
    text = _selection(asked)
    quoted = "\n".join(f"> {line}" for line in text.splitlines())
    return f"You have selected:\n\n{quoted}"


def note_selection(asked: Asked) -> str:
    """Make a note of what is selected in the page."""
    return note(_selection(asked))(asked)


def note(text: str) -> Wish:
    """Make a note."""

    def wish(asked: Asked) -> str:
        notes = asked.ask(Call("add_note", {"text": text}), Notes)
        return f"Noted: “{text}” You have {_count(len(notes.notes), 'note')} now."

    return wish


def list_notes(asked: Asked) -> str:
    """Tell all notes."""
    notes = asked.ask(Call("list_notes"), Notes).notes
    return (
        "\n".join(["Your notes:", "", *(f"- {text}" for text in notes)])
        if notes
        else ("You have no notes yet.")
    )


def go(page: str) -> Wish:
    """Go to a page of the shop."""

    def wish(asked: Asked) -> str:
        _go(asked, page)
        return ARRIVED[page]

    return wish


def _go(asked: Asked, page: str, product_id: str | None = None) -> None:
    arguments = {"page": page} | ({"product_id": product_id} if product_id else {})
    asked.ask(Call("navigate", arguments), Arrival)


def _found(asked: Asked, wanted: Wanted) -> list[FoundProduct]:
    arguments: dict[str, object] = {"query": wanted.query}
    if wanted.max_price is not None:
        arguments["max_price"] = wanted.max_price
    products = asked.ask(Call("search_catalogue", arguments), list[FoundProduct])
    if not products:
        limit = (
            f" for up to €{wanted.max_price:g}" if wanted.max_price is not None else ""
        )
        raise Refused(f"I have found nothing like “{wanted.query}”{limit}.")
    return products


def _selection(asked: Asked) -> str:
    text = asked.ask(Call("get_selected_text"), SelectedText).text.strip()
    if not text:
        raise Refused(
            "Nothing is selected in the page. Select some text there and ask again."
        )
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
