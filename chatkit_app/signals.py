"""What a site may listen to. Receivers run in threads of ours, after the commit, and should be quick.

``budget_nearly_spent`` is sent when four fifths of a budget are used, ``budget_spent`` when nothing is
left: each once in a day or month, by the process whose step or message it was. Both bring:

``budget``     as it stands in ``CHATKIT_BUDGETS``
``limit``      which one of it: ``"messages"``, ``"tokens"`` or ``"money"``
``used``       an int, or a Decimal of money; ``allowed`` is what may be
``until``      when the day or month ends, UTC
``tenant``     whose budget it is, and
``owner_key``  ``"u:<pk>"`` or ``"v:<uuid>"``; empty where several share it

``message_rated`` is sent when an owner says how they liked an answer, changes it, or takes it back:

``message``    the answer's row
``feedback``   ``"up"``, ``"down"``, or None: taken back
``reasons``    the page's codes for why, a list
``comment``    what they have written about it, untrusted text

What a receiver raises is logged and stops nothing.
"""

from __future__ import annotations

from django.dispatch import Signal

budget_nearly_spent = Signal()
budget_spent = Signal()
message_rated = Signal()
