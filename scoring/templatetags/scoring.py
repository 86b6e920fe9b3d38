"""How long things last, as scoring's pages say it."""

from django import template

from scoring.alerts import messages
from scoring.runs import wording

register = template.Library()
register.filter("lasting", wording.duration)
register.filter("span", messages.lasting)


@register.filter
def percent(share: float) -> str:
    """A sampling rate, such as "10 %"."""
    return f"{share * 100:g} %"
