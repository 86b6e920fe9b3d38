"""What every template needs to look like EvalHub: icons, shapes of states, the navigation's entries."""

from functools import lru_cache

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from lucide.templatetags import lucide

register = template.Library()


@register.simple_tag(name="icon")
@lru_cache(maxsize=512)
def icon(name: str, extra: str = "") -> SafeString:
    """A lucide icon as decoration: hidden from screen readers, coloured by its surroundings; `extra` adds classes."""
    return lucide.lucide(name, size=16, **{"class": f"i {extra}".strip(), "aria-hidden": "true"})


@register.simple_tag(name="shape")
@lru_cache(maxsize=64)
def shape(state: str, extra: str = "") -> SafeString:
    """The shape of a state (pass, fail, errored, pending, skipped, human): never colour alone."""
    return format_html('<svg class="i {}" aria-hidden="true"><use href="#shape-{}"/></svg>', extra, state)


@register.inclusion_tag("components/nav_item.html", takes_context=True)
def nav_item(
    context: Context, url_names: str, icon: str, label: str, tab: bool = False, go: str = ""
) -> dict[str, object]:
    """An entry of a project's navigation; no entry where the page does not exist (yet).

    Of several URL names, with spaces between them, the first that exists is led to, and below each of them the entry is
    the current one. `go` is the letter that leads there after a `g`. `tab` entries stay at the thumb on a phone, the
    others move into its "More" menu.
    """
    request = context["request"]
    addresses = [address for name in url_names.split() if (address := _address(name, request.project.slug))]
    return {
        "href": addresses[0] if addresses else "",
        "icon": icon,
        "label": label,
        "tab": tab,
        "go": go,
        "place": context.get("place", "side"),
        "current": request.path.startswith(tuple(addresses)),
    }


@register.simple_tag(takes_context=True)
def tab_item(context: Context, url_name: str, label: str, but: str = "") -> SafeString:
    """A tab that leads to another page of the project; none where that page does not exist. It is the current one
    there and below, `but` not below that other page."""
    request = context["request"]
    address, other = _address(url_name, request.project.slug), but and _address(but, request.project.slug)
    if not address:
        return SafeString("")
    here = request.path.startswith(address) and not (other and request.path.startswith(other))
    current = SafeString(' aria-current="page"' if here else "")
    return format_html('<a href="{}"{}>{}</a>', address, current, label)


def _address(url_name: str, slug: str) -> str:
    try:
        return reverse(url_name, args=[slug])
    except NoReverseMatch:
        return ""


@register.filter
def initials(user: object) -> str:
    """At most two letters for the picture of a person: of the full name, else of the user name."""
    words = (user.get_full_name() or user.get_username()).replace(".", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field's input with our classes; Django itself adds the id, aria-invalid and aria-describedby.

    A refused field takes the focus: the browser's on a new page, htmx's in a swapped form; the first of them wins.
    """
    widget = field.field.widget
    attrs: dict[str, object] = {"autofocus": True} if field.errors else {}
    if not isinstance(widget, (CheckboxInput, CheckboxSelectMultiple, RadioSelect)):
        attrs["class"] = f"input {widget.attrs.get('class', '')}".strip()
    return field.as_widget(attrs=attrs)


@register.filter
def listed(value: object) -> str:
    """A list as words with commas between; anything else as it is. The template escapes the result."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
