"""The cart of a customer who has logged in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.http import HttpRequest

from project.shop.models import CartItem, Product

MOST = 99
"""Pieces of one product that a cart holds."""


class CartError(Exception):
    """It can't go into the cart; the text is for the customer."""


def items_of(customer: AbstractBaseUser) -> QuerySet[CartItem]:
    """What is in the cart."""
    return CartItem.objects.filter(customer=customer.pk).select_related("product")


def total_of(items: Iterable[CartItem]) -> Decimal:
    """What it costs together."""
    return sum((item.amount for item in items), Decimal(0))


@transaction.atomic
def add(customer: AbstractBaseUser, product_id: str, quantity: int) -> CartItem:
    """Put so many more into the cart.

    Raises:
        CartError: There is no such product, or not enough of it.
    """
    try:
        # Locked, so that two clicks at the same instant both count.
        product = Product.objects.select_for_update().get(pk=product_id)
    except Product.DoesNotExist:
        raise CartError("There is no such product.") from None
    item = CartItem.objects.filter(
        customer=customer.pk, product=product
    ).first() or CartItem(customer_id=customer.pk, product=product, quantity=0)
    item.quantity += quantity
    _check(product, item.quantity)
    item.save()
    return item


def change(customer: AbstractBaseUser, product_id: str, quantity: int) -> None:
    """Set how many there are; 0 takes the product out.

    Raises:
        CartError: There is not enough of it.
    """
    item = items_of(customer).filter(product=product_id).first()
    if item is None:
        return
    if quantity <= 0:
        item.delete()
    else:
        _check(item.product, quantity)
        items_of(customer).filter(pk=item.pk).update(quantity=quantity)


def _check(product: Product, quantity: int) -> None:
    most = min(product.stock, MOST)
    if most == 0:
        raise CartError(f"{product.name} is sold out.")
    if quantity > most:
        raise CartError(f"Only {most} of {product.name} can be had.")


def cart_in_templates(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """``cart_count`` for every page; asked of the database only where a template shows it."""

    def cart_count() -> int:
        if not request.user.is_authenticated:
            return 0
        counted: dict[str, Any] = items_of(request.user).aggregate(
            count=Sum("quantity")
        )
        return counted["count"] or 0

    return {"cart_count": cart_count}
