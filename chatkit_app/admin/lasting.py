"""How long something took, in words."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86_400


def lasting(seconds: float) -> str:
    """Tenths of a second at first; of what lasts longer, its two largest units."""
    if seconds < MINUTE:
        return _("%(n)s s") % {"n": number_format(seconds, 1)}
    whole = round(seconds)
    if whole < HOUR:
        return _("%(m)d min %(s)d s") % {"m": whole // MINUTE, "s": whole % MINUTE}
    if whole < DAY:
        return _("%(h)d h %(m)d min") % {
            "h": whole // HOUR,
            "m": whole % HOUR // MINUTE,
        }
    return _("%(d)d d %(h)d h") % {"d": whole // DAY, "h": whole % DAY // HOUR}
