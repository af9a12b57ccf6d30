from __future__ import annotations

import json
import re
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chatkit_app.engine.viewer import Viewer
from project.security import POLICY
from project.shop.models import CartItem, Wrapping
from project.shop.orders import refund, write_statement

OPEN_TO_ALL = ["/", "/products/clay-teapot/", "/cart/", "/notes/", "/login/"]


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_a_visitor_sees_the_page_with_the_chat(
    shop: None, client: Client, path: str
) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert '<chatkit-thread\n  assistant="shop"' in response.text
    assert "simulated" in response.text


@pytest.mark.parametrize("path", [*OPEN_TO_ALL[:-1], "/orders/"])
def test_a_customer_sees_the_page(customer: Client, path: str) -> None:
    response = customer.get(path)

    assert response.status_code == 200
    assert "Ada" in response.text


@pytest.mark.parametrize("path", [*OPEN_TO_ALL, "/admin/login/", "/nowhere/"])
def test_every_page_sends_the_policy_and_needs_no_exception(
    shop: None, client: Client, path: str
) -> None:
    response = client.get(path)

    assert response.headers["Content-Security-Policy"] == POLICY
    assert not re.search(r"<style|\sstyle=|\son\w+=", response.text)
    inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", response.text)
    assert all('type="application/json"' in attributes for attributes in inline)


def test_the_catalogue_names_each_product_by_its_id(shop: None, client: Client) -> None:
    ids = re.findall(r'data-product-id="([^"]+)"', client.get("/").text)

    assert sorted(ids) == sorted(client.get("/catalogue.json").json())


def test_orders_are_for_those_who_have_logged_in(shop: None, client: Client) -> None:
    assert client.get("/orders/").headers["Location"] == "/login/?next=/orders/"


def test_customers_see_their_own_orders_alone(customer: Client) -> None:
    page = customer.get("/orders/").text

    assert "Order 1042" in page
    assert "Order 1043" not in page


def test_a_customer_fills_and_empties_the_cart(customer: Client, ada: User) -> None:
    customer.post("/cart/add/", {"product": "bud-vase", "quantity": 2})
    assert "€48.00" in customer.get("/cart/").text

    customer.post("/cart/change/", {"product": "bud-vase", "quantity": 0})
    assert not CartItem.objects.filter(customer=ada).exists()


def test_more_than_there_is_is_refused_with_the_reason(customer: Client) -> None:
    page = customer.post(
        "/cart/add/", {"product": "wool-blanket", "quantity": 4}, follow=True
    )

    assert "Only 3 of Wool blanket can be had." in page.text
    assert not CartItem.objects.exists()


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:1"]
)
def test_a_form_leads_back_to_pages_of_the_shop_alone(
    customer: Client, elsewhere: str
) -> None:
    form = {"product": "bud-vase", "quantity": 1, "next": elsewhere}

    assert customer.post("/cart/add/", form).headers["Location"] == "/cart/"


def test_the_browsers_cart_is_taken_over_as_far_as_it_can_be_had(
    customer: Client, ada: User
) -> None:
    cart = {
        "bud-vase": 2,
        "wool-blanket": 99,
        "piano": 1,
        "desk-lamp": "x",
        "oak-board": -1,
    }

    response = customer.post(
        "/cart/keep/", json.dumps(cart), content_type="application/json"
    )

    assert response.status_code == 204
    assert list(CartItem.objects.values_list("product_id", "quantity")) == [
        ("bud-vase", 2)
    ]


@pytest.mark.parametrize(
    "body", ["", "[1]", "{", '{"bud-vase": {"a": 1}}', '{"\\u0000": 1}']
)
def test_a_browsers_cart_that_is_none_changes_nothing(
    customer: Client, body: str
) -> None:
    response = customer.post("/cart/keep/", body, content_type="application/json")

    assert response.status_code == 204
    assert not CartItem.objects.exists()


def test_staff_can_look_at_orders(shop: None, client: Client) -> None:
    client.force_login(User.objects.get(username="admin"))

    assert "1042" in client.get("/admin/shop/order/").text
    assert client.get("/admin/shop/order/?q=ada").status_code == 200
    assert client.get("/admin/shop/cartitem/").status_code == 200
    assert client.get("/admin/shop/product/").status_code == 200
    assert client.get("/admin/shop/refund/").status_code == 200
    assert client.get("/admin/shop/refund/add/").status_code == 403


@pytest.mark.parametrize(
    ("username", "is_linked"), [("kim", True), ("admin", True), ("ada", False)]
)
def test_the_staff_find_the_way_to_what_waits_for_them(
    shop: None, client: Client, username: str, is_linked: bool
) -> None:
    client.force_login(User.objects.get(username=username))

    assert ("/interrupt/?waits=me" in client.get("/").text) is is_linked


def test_a_refund_is_shown_with_its_order_as_simulated(
    customer: Client, ada: User
) -> None:
    refund(ada, "1042", Decimal(15), "a chipped mug", call=uuid4())

    page = customer.get("/orders/").text

    assert "Refunded €15.00: a chipped mug" in page
    assert "simulated: no money moves" in page


def test_a_statement_is_its_customers_alone(
    customer: Client, ada: User, client: Client
) -> None:
    path = write_statement(ada, 2026).get_absolute_url()

    mine = customer.get(path)
    client.force_login(User.objects.get(username="ben"))

    assert mine.headers["Content-Disposition"].startswith("attachment")
    assert mine.text.startswith("order,placed on,")
    assert client.get(path).status_code == 404
    assert path in customer.get("/orders/").text


def test_the_carts_page_says_how_it_is_wrapped(customer: Client, ada: User) -> None:
    key = Viewer(user=ada).key
    Wrapping.objects.create(owner_key=key, paper="Sage linen", card="<b>Hi</b>")

    page = customer.get("/cart/").text

    assert "in sage linen, with a card: <q>&lt;b&gt;Hi&lt;/b&gt;</q>" in page


def test_the_passwords_of_the_demo_are_told_on_ones_own_machine_alone(
    shop: None, client: Client
) -> None:
    """DEBUG is off here, as where the demo is shown to others."""
    assert "ada-demo" not in client.get("/login/").text
