"""What the addresses of links to threads take and answer; a part of the table of operations."""

from __future__ import annotations

from collections.abc import Mapping

from chatkit_app.api import share_shapes as shapes
from chatkit_app.api.operation import FLAG, PAGE, Operation, Schema
from chatkit_app.api.shares import MAX_START, NewShare

START: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_START}

SHARE_OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "SharesView": {
        "get": Operation(
            name="shares_list",
            summary="The links of my thread, the newest first",
            query={"live": (FLAG, "Are they good still?"), **PAGE},
            answers={200: shapes.SharesJson},
        ),
        "post": Operation(
            name="shares_create",
            summary="A link by which anybody may read what is shown now",
            body=NewShare,
            needs_body=False,
            answers={201: shapes.NewShareJson},
        ),
    },
    "ShareView": {
        "delete": Operation(
            name="shares_revoke",
            summary="Let a link be good no more",
            answers={204: None},
        )
    },
    "SharedView": {
        "get": Operation(
            name="shared_retrieve",
            summary="A shared thread, for whoever has its link",
            query={"start": (START, "Where the page begins, from `next`.")},
            answers={200: shapes.SharedJson},
        )
    },
}
