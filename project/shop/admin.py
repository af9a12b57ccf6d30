"""What staff sees of the shop."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from project.shop.models import CartItem, Order, OrderLine, Product, Refund


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable in Django 5.2
    """Products, with what is left of them."""

    list_display = ["name", "id", "room", "price", "stock"]
    list_filter = ["room"]
    search_fields = ["name", "description"]


class OrderLineInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable in Django 5.2
    """An order's products."""

    model = OrderLine
    extra = 0
    autocomplete_fields = ["product"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable in Django 5.2
    """Orders with their lines."""

    list_display = ["number", "customer", "status", "placed_on", "expected_on"]
    list_filter = ["status"]
    search_fields = ["number", "customer__username"]
    autocomplete_fields = ["customer"]
    inlines = [OrderLineInline]


@admin.register(CartItem)
class CartItemAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable in Django 5.2
    """What customers have in their carts."""

    list_display = ["customer", "product", "quantity"]
    list_select_related = ["customer", "product"]


@admin.register(Refund)
class RefundAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable in Django 5.2
    """What was given back; the assistant makes these, and nobody here."""

    list_display = ["order", "amount", "reason", "made_at"]
    list_select_related = ["order"]
    search_fields = ["order__number", "reason"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
