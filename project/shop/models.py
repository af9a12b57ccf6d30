"""What the shop keeps: products, orders, and the carts of those who have logged in."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Room(models.TextChoices):
    """Where a product lives."""

    KITCHEN = "kitchen", "Kitchen"
    TABLE = "table", "Table"
    LIVING = "living", "Living room"


class Product(models.Model):
    """Something to buy. Its id is a word, so that people and models can tell it."""

    id = models.SlugField(primary_key=True)
    name = models.CharField(max_length=100)
    room = models.CharField(max_length=20, choices=Room)
    description = models.TextField()
    price = models.DecimalField(
        max_digits=8, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
    )
    stock = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The product's page."""
        return reverse("shop:product", args=[self.pk])


class OrderStatus(models.TextChoices):
    """How far an order is."""

    PLACED = "placed", "Placed"
    PACKED = "packed", "Packed"
    SHIPPED = "shipped", "Shipped"
    DELIVERED = "delivered", "Delivered"


class Order(models.Model):
    """What a customer has bought."""

    if TYPE_CHECKING:
        lines: RelatedManager[OrderLine]

    number = models.PositiveIntegerField(unique=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders"
    )
    status = models.CharField(
        max_length=20, choices=OrderStatus, default=OrderStatus.PLACED
    )
    placed_on = models.DateField()
    expected_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"Order {self.number}"

    @property
    def total(self) -> Decimal:
        """What it costs, at the prices of its day."""
        return sum((line.amount for line in self.lines.all()), Decimal(0))


class OrderLine(models.Model):
    """One product of an order, at the price of its day."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    price = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "product"], name="one_line_a_product"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def amount(self) -> Decimal:
        """The line's sum."""
        return self.quantity * self.price


class CartItem(models.Model):
    """A product in the cart of somebody who has logged in. Others' carts stay in their browsers."""

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cart_items"
    )
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "product"], name="one_item_a_product"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def amount(self) -> Decimal:
        """The item's sum."""
        return self.quantity * self.product.price
