"""What I may use in a day or a month, and what is left of it."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.api.views import HistoryView, viewer_at
from chatkit_app.runs import budgets


class UsageView(HistoryView):
    """``GET usage/``."""

    parameters = ()

    def get(self, request: Request) -> Response:
        """``{budgets: [{who, assistant, per, until, isShared, isSpent, messages, tokens, money}]}``.

        The last three are ``{limit, used, left}``, or null where there is no limit, or where the budget
        is shared: what others use is not told. Money is a decimal in a text.
        """
        return Response({"budgets": budgets.overview(viewer_at(request))})
