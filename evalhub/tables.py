"""The look of every table that django-tables2 renders, and the tables of the project's settings."""

import django_tables2 as tables

from evalhub.models import ApiKey, AuditEvent

FULL = {"td": {"class": "full"}}  # a line of its own on a phone


class Table(tables.Table):
    """Our markup; order and paging belong to the view (keyset), so no column sorts by itself."""

    class Meta:
        template_name = "components/table.html"
        attrs = {"class": "table auto"}
        orderable = False
        empty_text = "Nothing here yet."


class KeyTable(Table):
    name = tables.TemplateColumn(template_name="evalhub/keys/_name.html", attrs=FULL)
    scopes = tables.TemplateColumn("{{ value|join:', ' }}", verbose_name="May", attrs={"td": {"class": "dim full"}})
    last_used_at = tables.TemplateColumn(
        template_name="evalhub/keys/_last_used.html", verbose_name="Last used", attrs=FULL
    )
    expires_at = tables.TemplateColumn(template_name="evalhub/keys/_expires.html", verbose_name="Expires", attrs=FULL)
    created_at = tables.TemplateColumn(template_name="evalhub/keys/_created.html", verbose_name="Created", attrs=FULL)
    revoke = tables.TemplateColumn(
        template_name="evalhub/keys/_revoke.html", verbose_name="", attrs={"td": {"class": "num"}}
    )

    class Meta(Table.Meta):
        model = ApiKey
        fields = ["name", "scopes", "last_used_at", "expires_at", "created_at"]
        attrs = {"class": "table auto cards-sm"}
        empty_text = "No keys yet. Make one to send the first record."


class AuditTable(Table):
    at = tables.TemplateColumn(template_name="evalhub/_moment.html", verbose_name="When")
    actor = tables.Column(verbose_name="Who")
    action = tables.TemplateColumn("<code>{{ value }}</code>", verbose_name="Did")
    target = tables.Column(verbose_name="To", attrs=FULL)
    detail = tables.TemplateColumn(template_name="evalhub/audit/_detail.html", attrs={"td": {"class": "dim full"}})

    class Meta(Table.Meta):
        model = AuditEvent
        fields = ["at", "actor", "action", "target", "detail"]
        attrs = {"class": "table auto wrap cards-sm"}
        empty_text = "Nothing has happened yet."
