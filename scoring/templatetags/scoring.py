"""Amounts as scoring's pages say them."""

from django import template

from scoring.runs import wording

register = template.Library()
register.filter("money", wording.money)
register.filter("lasting", wording.duration)
