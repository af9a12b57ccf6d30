"""What the shop keeps: products, orders and what becomes of them, and the carts of customers."""

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
    CANCELLED = "cancelled", "Cancelled"


class DeliveryTime(models.TextChoices):
    """When on its day an order comes."""

    MORNING = "morning", "In the morning"
    AFTERNOON = "afternoon", "In the afternoon"
    EVENING = "evening", "In the evening"


class Order(models.Model):
    """What a customer has bought."""

    if TYPE_CHECKING:
        lines: RelatedManager[OrderLine]
        refunds: RelatedManager[Refund]

    number = models.PositiveIntegerField(unique=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders"
    )
    status = models.CharField(
        max_length=20, choices=OrderStatus, default=OrderStatus.PLACED
    )
    placed_on = models.DateField()
    expected_on = models.DateField(null=True, blank=True)
    street = models.CharField(max_length=80, blank=True)
    town = models.CharField(max_length=60, blank=True)
    delivery_time = models.CharField(
        max_length=20, choices=DeliveryTime, default=DeliveryTime.MORNING
    )

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"Order {self.number}"

    @property
    def total(self) -> Decimal:
        """What it costs, at the prices of its day."""
        return sum((line.amount for line in self.lines.all()), Decimal(0))

    @property
    def refunded(self) -> Decimal:
        """What was given back of it."""
        return sum((refund.amount for refund in self.refunds.all()), Decimal(0))


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


class Refund(models.Model):
    """Money that was given back, as far as this demo goes: it moves none, it notes the sum.

    ``call`` is the assistant's call that made it: the same one twice is one refund.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    amount = models.DecimalField(
        max_digits=8, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
    )
    reason = models.CharField(max_length=200)
    made_at = models.DateTimeField(auto_now_add=True)
    call = models.UUIDField(unique=True, editable=False)

    class Meta:
        ordering = ["pk"]
        permissions = [("approve_refund", "Can approve refunds")]

    def __str__(self) -> str:
        return f"€{self.amount} of {self.order}"


class Statement(models.Model):
    """A customer's orders of one year, as they were when it was written. ``text`` is CSV."""

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="statements"
    )
    year = models.PositiveIntegerField()
    text = models.TextField()
    made_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-year"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "year"], name="one_statement_a_year"
            )
        ]

    def __str__(self) -> str:
        return f"Statement for {self.year}"

    def get_absolute_url(self) -> str:
        """Where it can be downloaded."""
        return reverse("shop:statement", args=[self.year])


class Wrapping(models.Model):
    """How a cart is wrapped as a gift.

    ``owner_key`` is the viewer's key: a visitor's cart is in their browser, its wrapping is here.
    """

    owner_key = models.CharField(max_length=64, unique=True)
    paper = models.CharField(max_length=40)
    card = models.CharField(max_length=120, blank=True)

    def __str__(self) -> str:
        return self.paper
