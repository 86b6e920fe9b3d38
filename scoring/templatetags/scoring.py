"""How long things last, as scoring's pages say it."""

from django import template

from scoring.alerts import messages
from scoring.runs import wording

register = template.Library()
register.filter("lasting", wording.duration)
register.filter("span", messages.lasting)
