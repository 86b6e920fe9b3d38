"""HTML put together piece by piece, where a page does so hundreds of times."""

from html import escape

from django.utils.safestring import SafeString


def html(template: str, *parts: object) -> SafeString:
    """What django.utils.html.format_html makes of positional parts, in a quarter of its time.

    Most of format_html's time goes into lazy strings and objects with __html__, of which none are taken here: whatever
    is no SafeString is escaped.
    """
    return SafeString(template.format(*[part if isinstance(part, SafeString) else escape(str(part)) for part in parts]))
