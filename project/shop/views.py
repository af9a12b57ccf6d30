"""The shop's pages."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TypedDict, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from chatkit_app.access import viewer_of_request
from project.shop import cart as carts
from project.shop.forms import CartForm
from project.shop.models import Product, Room, Wrapping


class _Line(TypedDict):
    product_id: str
    quantity: int


@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """All products, room by room."""
    products = list(Product.objects.all())
    rooms = [
        (room.label, [product for product in products if product.room == room])
        for room in Room
    ]
    return render(request, "shop/catalogue.html", {"rooms": rooms})


@require_GET
def catalogue_json(request: HttpRequest) -> JsonResponse:
    """What the page's own cart must know of the products: it is kept in the browser."""
    return JsonResponse(
        {
            product.pk: {
                "name": product.name,
                "price": str(product.price),
                "stock": product.stock,
                "url": product.get_absolute_url(),
            }
            for product in Product.objects.all()
        }
    )


@require_GET
def product(request: HttpRequest, product_id: str) -> HttpResponse:
    """One product."""
    found = get_object_or_404(Product, pk=product_id)
    others = Product.objects.filter(room=found.room).exclude(pk=found.pk)[:3]
    return render(request, "shop/product.html", {"product": found, "others": others})


@require_GET
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    """The customer's own orders."""
    customer = _customer(request)
    own = customer.orders.prefetch_related("lines__product", "refunds")
    return render(
        request,
        "shop/orders.html",
        {"orders": own, "statements": customer.statements.all()},
    )


@require_GET
@login_required
def statement(request: HttpRequest, year: int) -> HttpResponse:
    """The customer's own statement of a year, to be kept."""
    found = get_object_or_404(_customer(request).statements, year=year)
    name = f'attachment; filename="statement-{year}.csv"'
    headers = {"Content-Disposition": name}
    return HttpResponse(found.text, content_type="text/csv", headers=headers)


@require_GET
def cart(request: HttpRequest) -> HttpResponse:
    """The cart; the browser fills it in for those who have not logged in."""
    items = (
        list(carts.items_of(_customer(request)))
        if request.user.is_authenticated
        else []
    )
    viewer = viewer_of_request(request)
    wrapping = viewer and Wrapping.objects.filter(owner_key=viewer.key).first()
    return render(
        request,
        "shop/cart.html",
        {"items": items, "total": carts.total_of(items), "wrapping": wrapping},
    )


@require_POST
@login_required
def add_to_cart(request: HttpRequest) -> HttpResponse:
    """Put a product into the cart."""
    form = CartForm(request.POST)
    if form.is_valid():
        try:
            item = carts.add(_customer(request), **_words(form))
            messages.success(
                request, f"{item.product.name} is in your cart: {item.quantity}."
            )
        except carts.CartError as error:
            messages.error(request, str(error))
    return redirect(_back(request))


@require_POST
@login_required
def change_cart(request: HttpRequest) -> HttpResponse:
    """Set how many of a product are in the cart."""
    form = CartForm(request.POST)
    if form.is_valid():
        try:
            carts.change(_customer(request), **_words(form))
        except carts.CartError as error:
            messages.error(request, str(error))
    return redirect("shop:cart")


@require_POST
@login_required
def keep_cart(request: HttpRequest) -> HttpResponse:
    """Take over what the browser kept before the customer logged in; what can't be had is left."""
    for product_id, quantity in _kept(request.body):
        form = CartForm({"product": product_id, "quantity": quantity})
        if form.is_valid():
            with suppress(carts.CartError):
                carts.add(_customer(request), **_words(form))
    return HttpResponse(status=204)


def _kept(body: bytes) -> list[tuple[str, object]]:
    """The browser's cart, product ids to quantities; empty where it is nothing of the kind."""
    try:
        cart = json.loads(body)
    except ValueError:
        return []
    return list(cart.items()) if isinstance(cart, dict) else []


def _words(form: CartForm) -> _Line:
    return {
        "product_id": form.cleaned_data["product"],
        "quantity": form.cleaned_data["quantity"],
    }


def _back(request: HttpRequest) -> str:
    """Where the form stood, if that is a page of ours."""
    page = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, allowed_hosts=None)
    return page if is_ours else reverse("shop:cart")


def _customer(request: HttpRequest) -> User:
    """Whoever has logged in."""
    return cast("User", request.user)
