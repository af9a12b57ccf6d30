"""What a new demo begins with: products, customers and their orders. Made once, never changed back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.utils import timezone

from project.shop.models import Order, OrderLine, OrderStatus, Product, Room
from project.shop.orders import delivery_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Somebody who can log in. The passwords are for the demo alone: everybody knows them."""

    username: str
    first_name: str
    street: str = ""
    town: str = ""
    is_staff: bool = False
    permissions: tuple[str, ...] = ()
    may: str = "a customer"

    @property
    def password(self) -> str:
        """Readable, and no secret."""
        return f"{self.username}-demo"


LOGINS = (
    Login(username="ada", first_name="Ada", street="Rose Lane 4", town="Ely"),
    Login(username="ben", first_name="Ben", street="Mill Road 12", town="Cambridge"),
    Login(
        username="admin",
        first_name="Robin",
        is_staff=True,
        may="staff, may do everything, also at /admin/",
    ),
    Login(
        username="kim",
        first_name="Kim",
        is_staff=True,
        permissions=(
            "approve_refund",
            "view_refund",
            "view_order",
            "view_product",
            "change_product",
        ),
        may="staff, approves refunds and sets the stock",
    ),
)

PRODUCTS = (
    (
        "clay-teapot",
        Room.KITCHEN,
        "Clay teapot",
        "54.00",
        7,
        "Thrown by hand from dark clay, unglazed outside. Keeps a litre of tea hot through a long talk.",
    ),
    (
        "glass-teapot",
        Room.KITCHEN,
        "Glass teapot",
        "38.00",
        12,
        "Thin, clear and lighter than it looks, with a steel strainer. Watch the leaves open.",
    ),
    (
        "stoneware-mug",
        Room.KITCHEN,
        "Stoneware mug",
        "16.50",
        40,
        "Speckled glaze, a handle for three fingers, and a foot that does not scratch the table.",
    ),
    (
        "oak-board",
        Room.KITCHEN,
        "Oak board",
        "29.00",
        16,
        "One piece of oak with a groove for the juice. Oiled, and better with every year.",
    ),
    (
        "serving-bowl",
        Room.TABLE,
        "Serving bowl",
        "32.00",
        5,
        "Wide and shallow, white inside and bare clay outside. Salad for six.",
    ),
    (
        "serving-tray",
        Room.TABLE,
        "Serving tray",
        "46.00",
        0,
        "Bent ash wood, as wide as a table for two. The rim is one strip; the joint is the only ornament.",
    ),
    (
        "bud-vase",
        Room.TABLE,
        "Bud vase",
        "24.00",
        18,
        "For the one flower that you brought home. Sand-coloured, heavy at the foot.",
    ),
    (
        "beeswax-candle",
        Room.TABLE,
        "Beeswax candle",
        "12.00",
        60,
        "Dipped thirty times. Burns for nine hours and smells of a summer meadow.",
    ),
    (
        "desk-lamp",
        Room.LIVING,
        "Desk lamp",
        "89.00",
        4,
        "An arm that stays where you put it, and a warm light that can be dimmed.",
    ),
    (
        "wool-blanket",
        Room.LIVING,
        "Wool blanket",
        "120.00",
        3,
        "New wool, woven in one piece and brushed soft. Long enough for two on a sofa.",
    ),
    (
        "linen-cushion",
        Room.LIVING,
        "Linen cushion",
        "42.00",
        9,
        "Washed linen, filled with feathers. The cover comes off with three wooden buttons.",
    ),
    (
        "wall-clock",
        Room.LIVING,
        "Wall clock",
        "68.00",
        6,
        "Nothing but two hands and a quiet movement. Runs two years on one battery.",
    ),
)

# number, customer, status, placed so many days ago, expected in so many days, products
ORDERS = (
    (1038, "ada", OrderStatus.DELIVERED, 41, -36, {"wool-blanket": 1}),
    (1042, "ada", OrderStatus.SHIPPED, 3, 2, {"clay-teapot": 1, "stoneware-mug": 4}),
    (1043, "ben", OrderStatus.PACKED, 1, 4, {"desk-lamp": 1}),
    (1044, "ben", OrderStatus.PLACED, 0, 6, {"bud-vase": 2, "beeswax-candle": 6}),
    (1045, "ada", OrderStatus.PLACED, 0, 5, {"linen-cushion": 2}),
    (1046, "ada", OrderStatus.PACKED, 1, 4, {"wall-clock": 1}),
)


@transaction.atomic
def seed(today: date | None = None) -> None:
    """Add what is missing. What is there stays as it is, whatever has become of it."""
    for login in LOGINS:
        _user(login)
    Product.objects.bulk_create(
        [
            Product(
                id=id_,
                room=room,
                name=name,
                price=Decimal(price),
                stock=stock,
                description=text,
            )
            for id_, room, name, price, stock, text in PRODUCTS
        ],
        ignore_conflicts=True,
    )
    for number, customer, status, ago, ahead, quantities in ORDERS:
        _order(
            number,
            customer,
            status,
            today or timezone.localdate(),
            ago,
            ahead,
            quantities,
        )


def _user(login: Login) -> None:
    if User.objects.filter(username=login.username).exists():
        return
    user = User.objects.create_user(
        login.username,
        password=login.password,
        first_name=login.first_name,
        is_staff=login.is_staff,
        is_superuser=login.is_staff and not login.permissions,
    )
    user.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label="shop", codename__in=login.permissions
        )
    )


def _order(
    number: int,
    customer: str,
    status: OrderStatus,
    today: date,
    ago: int,
    ahead: int,
    quantities: dict[str, int],
) -> None:
    login = next(login for login in LOGINS if login.username == customer)
    order, is_new = Order.objects.get_or_create(
        number=number,
        defaults={
            "customer": User.objects.get(username=customer),
            "status": status,
            "placed_on": today - timedelta(days=ago),
            "expected_on": delivery_day(today + timedelta(days=ahead)),
            "street": login.street,
            "town": login.town,
        },
    )
    if not is_new:
        return
    products = Product.objects.in_bulk(quantities)
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            product=products[id_],
            quantity=count,
            price=products[id_].price,
        )
        for id_, count in quantities.items()
    )
