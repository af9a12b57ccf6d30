"""Looking products up."""

from __future__ import annotations

import re
from decimal import Decimal

from django.db.models import Q, QuerySet

from project.shop.models import Product


def search(query: str, max_price: Decimal | None = None) -> QuerySet[Product]:
    """The products that have every word of the query, in the singular or as it stands."""
    found = Product.objects.all()
    for word in re.findall(r"\w+", query):
        stem = word.removesuffix("s")
        found = found.filter(
            Q(name__icontains=stem)
            | Q(description__icontains=stem)
            | Q(room__icontains=stem)
        )
    return found if max_price is None else found.filter(price__lte=max_price)
