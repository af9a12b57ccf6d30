from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from project.shop.models import Order, OrderLine, Product
from project.shop.seed import LOGINS, Login, seed


def test_seeding_again_changes_nothing(shop: None) -> None:
    Product.objects.filter(pk="bud-vase").update(stock=1)
    User.objects.get(username="ben").set_password("other")
    before = (Product.objects.count(), Order.objects.count(), OrderLine.objects.count())

    seed()

    assert (
        Product.objects.count(),
        Order.objects.count(),
        OrderLine.objects.count(),
    ) == before
    assert Product.objects.get(pk="bud-vase").stock == 1
    assert User.objects.count() == len(LOGINS)


@pytest.mark.parametrize("login", LOGINS)
def test_the_printed_passwords_let_in(shop: None, login: Login) -> None:
    username, password = login.username, login.password

    assert authenticate(username=username, password=password) is not None


def test_each_customer_has_orders_of_their_own(shop: None) -> None:
    assert Order.objects.get(number=1042).customer.get_username() == "ada"
    assert Order.objects.get(number=1043).customer.get_username() == "ben"
