"""The shop's addresses."""

from __future__ import annotations

from django.urls import path
from django.views.generic import TemplateView

from project.shop import views

app_name = "shop"

urlpatterns = [
    path("", views.catalogue, name="catalogue"),
    path("catalogue.json", views.catalogue_json, name="catalogue-json"),
    path("products/<slug:product_id>/", views.product, name="product"),
    path("orders/", views.orders, name="orders"),
    path("statements/<int:year>/", views.statement, name="statement"),
    path("notes/", TemplateView.as_view(template_name="shop/notes.html"), name="notes"),
    path("cart/", views.cart, name="cart"),
    path("cart/add/", views.add_to_cart, name="add"),
    path("cart/change/", views.change_cart, name="change"),
    path("cart/keep/", views.keep_cart, name="keep"),
]
