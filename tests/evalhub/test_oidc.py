"""Signing in by OpenID Connect, against a provider that speaks HTTP: who may enter, and what is refused.

The tests run with it switched off, as it mostly is: here its apps and tables are added, the tables in each test's own
transaction.
"""

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from django.apps import apps
from django.conf import settings as all_settings
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse

from evalhub.models import AuditEvent, Role, User
from tests import factories
from tests.evalhub.running import manage
from tests.stand_in_oidc import CLIENT, SECRET, Issuer, stand_in_oidc

ANN = {"email": "ann@example.com", "email_verified": True, "name": "Ann"}


@pytest.fixture(scope="module")
def switched_on():
    with stand_in_oidc() as issuer:
        app = {"provider_id": issuer.url, "name": "Acme", "client_id": CLIENT, "secret": SECRET}
        provider = {
            "provider_class": "evalhub.oidc.provider.Provider",
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [app | {"settings": {"server_url": issuer.url}}],
        }
        their_settings = override_settings(
            OIDC_ISSUER=issuer.url,
            OIDC_NAME="Acme",
            PUBLIC_URL="http://testserver",
            ROOT_URLCONF="tests.evalhub.oidc_urls",
            MIDDLEWARE=[*all_settings.MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"],
            ACCOUNT_ADAPTER="evalhub.oidc.entering.AccountAdapter",
            SOCIALACCOUNT_ADAPTER="evalhub.oidc.entering.SocialAdapter",
            ACCOUNT_EMAIL_VERIFICATION="none",
            SOCIALACCOUNT_PROVIDERS={"openid_connect": provider},
        )
        their_apps = [
            "allauth.account",
            "allauth.socialaccount",
            "allauth.socialaccount.providers.openid_connect",
            "evalhub.oidc.apps.OidcConfig",
        ]
        with their_settings, override_settings(INSTALLED_APPS=[*all_settings.INSTALLED_APPS, *their_apps]):
            yield issuer


@pytest.fixture
def issuer(switched_on: Issuer, db) -> Issuer:
    with connection.schema_editor() as editor:
        for label in ("account", "socialaccount"):
            for model in apps.get_app_config(label).get_models():
                editor.create_model(model)
    switched_on.forget()
    cache.clear()
    return switched_on


def begun(client: Client, to: str = "") -> str:
    """The address at the provider that the button leads to."""
    page = client.post("/sign-in/oidc", {"next": to})
    assert page.status_code == 200
    return unescape(re.search(r'<a class="btn primary" href="([^"]+)"', page.content.decode())[1])


def came_back(client: Client, issuer: Issuer, to: str = "", **claims: object):
    return client.get(issuer.approve(begun(client, to), **claims))


def who(client: Client) -> str:
    """Who is signed in, by the profile page."""
    page = client.get("/profile")
    return page.context["user"].username if page.status_code == 200 else ""


def test_the_button_leads_to_the_provider_and_back_to_the_page_that_was_wanted(client, issuer):
    ann = factories.user("ann", email="Ann@Example.com")
    page = client.get("/sign-in?next=/profile").content.decode()
    assert "Sign in with Acme" in page and 'action="/sign-in/oidc"' in page
    there = begun(client, "/profile")
    assert there.startswith(f"{issuer.url}/authorization?")
    answer = client.get(issuer.approve(there, **ANN))
    assert (answer.status_code, answer.url) == (302, "/profile")
    assert who(client) == "ann"
    assert ann.socialaccount_set.get().extra_data == {"id_token": ANN | {"sub": "1"}}
    (line,) = AuditEvent.objects.filter(action="user.connect")
    assert (line.actor, line.target, line.detail) == ("ann", issuer.url, {"subject": "1"})


def test_it_asks_for_a_session_of_the_usual_length_and_a_new_name_for_it(client, issuer, settings):
    factories.user("ann", email="ann@example.com")
    there = begun(client)
    before = client.session.session_key
    client.get(issuer.approve(there, **ANN))
    assert client.session.session_key != before
    assert client.session.get_expiry_age() == settings.SESSION_COOKIE_AGE


def test_whoever_came_before_is_known_by_their_number_there_whatever_became_of_the_e_mail(client, issuer):
    factories.user("ann", email="ann@example.com")
    came_back(client, issuer, **ANN)
    client.logout()
    User.objects.filter(username="ann").update(email="")
    assert came_back(client, issuer, email="new@example.com").status_code == 302
    assert who(client) == "ann" and AuditEvent.objects.filter(action="user.connect").count() == 1


def test_the_same_number_at_another_provider_is_somebody_else(client, issuer):
    factories.user("ann").socialaccount_set.create(provider="https://former.example.com", uid="1")
    assert came_back(client, issuer, email="bob@example.com", email_verified=True).status_code == 403
    assert who(client) == ""


@pytest.mark.parametrize("verified", [False, None, "false", 1, "yes"])
def test_an_e_mail_that_is_not_verified_opens_nothing(client, issuer, settings, verified):
    settings.OIDC_NEW_USERS = ["any"]
    ann = factories.user("ann", email="ann@example.com")
    claims = {"email": "ann@example.com"} | ({} if verified is None else {"email_verified": verified})
    answer = came_back(client, issuer, **claims)
    assert answer.status_code == 403 and "does not say that your e-mail address is verified" in answer.content.decode()
    assert who(client) == "" and not ann.socialaccount_set.exists() and User.objects.count() == 1


def test_an_e_mail_of_two_users_opens_neither(client, issuer):
    factories.user("ann", email="ann@example.com"), factories.user("eve", email="ANN@example.com")
    answer = came_back(client, issuer, **ANN)
    assert answer.status_code == 403 and "Several users" in answer.content.decode() and who(client) == ""


def test_somebody_who_may_not_sign_in_any_more_may_not_by_this_door(client, issuer):
    ann = factories.user("ann", email="ann@example.com", is_active=False)
    assert came_back(client, issuer, **ANN).status_code == 403
    ann.socialaccount_set.create(provider=issuer.url, uid="1")
    answer = came_back(client, issuer, **ANN)
    assert answer.status_code == 403 and "ann may not sign in any more." in answer.content.decode()
    assert who(client) == ""


@pytest.mark.parametrize(
    ("allowed", "email", "enters"),
    [
        ([], "bob@example.com", False),
        (["example.org", "Example.com"], "bob@EXAMPLE.com", True),
        (["example.com"], "bob@evil-example.com", False),
        (["any"], "bob@anywhere.example", True),
    ],
)
def test_a_setting_says_who_may_enter_as_a_new_user(client, issuer, settings, allowed, email, enters):
    settings.OIDC_NEW_USERS = allowed
    answer = came_back(client, issuer, email=email, email_verified=True, name="Bob")
    assert answer.status_code == (302 if enters else 403)
    assert User.objects.count() == int(enters)
    if enters:
        bob = User.objects.get()
        assert who(client) == bob.username and bob.email.casefold() == email.casefold() and bob.first_name == "Bob"
        assert not bob.memberships.exists() and not bob.has_usable_password()
        assert not bob.is_staff and not bob.is_superuser


def test_a_new_user_never_becomes_somebody_who_has_the_name_already(client, issuer, settings):
    settings.OIDC_NEW_USERS = ["any"]
    factories.user("ann@example.com", email="other@example.com", is_superuser=True)
    assert came_back(client, issuer, **ANN).status_code == 403 and who(client) == ""


def test_a_password_for_one_sign_in_ends_and_one_of_their_own_stays(client, issuer):
    one_time = factories.user("ann", email="ann@example.com", must_change_password=True)
    own = factories.user("bob", email="bob@example.com")
    came_back(client, issuer, **ANN)
    assert who(client) == "ann"
    one_time.refresh_from_db()
    assert not one_time.has_usable_password() and not one_time.must_change_password
    client.logout()
    came_back(client, issuer, sub="2", email="bob@example.com", email_verified=True)
    own.refresh_from_db()
    assert own.check_password("secret")


def test_whoever_is_added_by_e_mail_gets_no_password_that_others_have_seen(client, issuer):
    project = factories.project()
    client.force_login(factories.member(project, Role.ADMIN))
    sent = {"who": "cy@example.com", "role": Role.VIEWER, "create": "on"}
    page = client.post(reverse("project-members", args=[project.slug]), sent)
    assert page.status_code == 302
    assert not User.objects.get(email="cy@example.com").has_usable_password()
    page = client.post(reverse("project-members", args=[project.slug]), sent | {"who": "cy"})
    assert page.context["password"]


def test_nobody_gives_themselves_the_e_mail_of_somebody_else(client, issuer):
    eve = factories.user("eve", email="eve@example.com")
    client.force_login(eve)
    client.post("/profile", {"first_name": "Eve", "email": "ann@example.com", "time_zone": ""})
    eve.refresh_from_db()
    assert (eve.first_name, eve.email) == ("Eve", "eve@example.com")


def test_signing_in_never_leads_to_another_site(client, issuer):
    factories.user("ann", email="ann@example.com")
    for to in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert came_back(client, issuer, to, **ANN).url == "/"


def test_the_e_mail_may_stand_in_the_user_information_of_the_same_person(client, issuer):
    factories.user("ann", email="ann@example.com")
    issuer.userinfo = ANN | {"sub": "2"}
    assert came_back(client, issuer).status_code == 502 and who(client) == ""
    issuer.userinfo = ANN | {"sub": "1"}
    assert came_back(client, issuer).status_code == 302 and who(client) == "ann"


TOKENS = {
    "of another issuer": {"iss": "https://evil.example"},
    "for another client": {"aud": "another"},
    "issued to another client": {"aud": [CLIENT, "another"], "azp": "another"},
    "of another sign-in": {"nonce": "another"},
    "of no sign-in": {"nonce": None},
    "that is over": {"exp": 1_700_000_000},
    "without an end": {"exp": None},
    "of nobody": {"sub": None},
}
SIGNATURES = {
    "by another key": lambda issuer, claims: jwt.encode(claims, issuer.other_key, "ES256", {"kid": "one"}),
    "by no key": lambda issuer, claims: jwt.encode(claims, None, "none", {"kid": "one"}),
    "by the client's secret": lambda issuer, claims: jwt.encode(claims, SECRET, "HS256", {"kid": "one"}),
    "by an unknown key": lambda issuer, claims: jwt.encode(claims, issuer.key, "ES256", {"kid": "two"}),
    "not at all": lambda issuer, claims: "no token",
}


@pytest.mark.parametrize("what", [*TOKENS, *SIGNATURES])
def test_a_token_that_is_not_for_this_sign_in_is_refused(client, issuer, caplog, what):
    factories.user("ann", email="ann@example.com")
    issuer.claims = TOKENS.get(what, {})
    if what in SIGNATURES:
        issuer.sign = lambda claims: SIGNATURES[what](issuer, claims)
    answer = came_back(client, issuer, **ANN)
    assert answer.status_code == 502 and "What Acme answered was refused" in answer.content.decode()
    assert who(client) == "" and "was refused: " in caplog.text


def test_state_belongs_to_one_browser_and_one_sign_in(client, issuer):
    factories.user("ann", email="ann@example.com")
    back = issuer.approve(begun(client), **ANN)
    stranger = Client()
    for answer in (stranger.get(back), stranger.get("/sign-in/oidc/callback"), client.get(f"{back}x")):
        assert answer.status_code == 400 and "Begin again." in answer.content.decode()
    # A code that somebody else was given, in the place of one's own.
    other = dict(parse_qsl(urlsplit(issuer.approve(begun(stranger), **ANN | {"sub": "2"})).query))["code"]
    mine = dict(parse_qsl(urlsplit(back).query))["state"]
    assert client.get("/sign-in/oidc/callback", {"code": other, "state": mine}).status_code == 502
    assert who(client) == ""
    back = issuer.approve(begun(client), **ANN)
    assert client.get(back).status_code == 302
    client.logout()
    assert client.get(back).status_code == 400 and who(client) == ""


def test_who_gives_up_there_is_told_so(client, issuer):
    state = dict(parse_qsl(urlsplit(begun(client)).query))["state"]
    answer = client.get("/sign-in/oidc/callback", {"error": "access_denied", "state": state})
    assert answer.status_code == 403 and "You did not sign in at Acme." in answer.content.decode()


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/jwks"])
def test_a_provider_that_is_down_is_said_so_and_passwords_go_on(client, issuer, path):
    factories.user("ann", email="ann@example.com")
    issuer.down = {path}
    at_start = client.post("/sign-in/oidc")
    answer = at_start if "well-known" in path else came_back(client, issuer, **ANN)
    assert answer.status_code == (502 if path == "/token" else 503) and "Acme" in answer.content.decode()
    assert who(client) == ""
    assert client.post("/sign-in", {"username": "ann", "password": "secret"}).status_code == 302


def test_a_provider_that_calls_itself_otherwise_is_refused(client, issuer):
    issuer.configuration = {"issuer": "https://evil.example"}
    assert client.post("/sign-in/oidc").status_code == 502
    issuer.configuration = {"jwks_uri": None}
    assert client.post("/sign-in/oidc").status_code == 502


def test_the_way_there_takes_a_post_of_ours_and_the_provider_is_not_asked_each_time(issuer):
    client = Client(enforce_csrf_checks=True)
    assert client.get("/sign-in/oidc").status_code == 405 and client.post("/sign-in/oidc").status_code == 403
    client = Client()
    begun(client), begun(client)
    assert issuer.asked == ["/.well-known/openid-configuration"]


def test_connections_are_for_superusers_alone(rf, issuer):
    from allauth.socialaccount.models import SocialAccount, SocialApp

    request = rf.get("/")
    for request.user, allowed in ((factories.user(is_superuser=True), True), (factories.user(is_staff=True), False)):
        shown = admin.site.get_model_admin(SocialAccount)
        assert shown.has_view_permission(request) == shown.has_delete_permission(request) == allowed
        assert not shown.has_change_permission(request) and not shown.has_add_permission(request)
    assert not admin.site.is_registered(SocialApp)


# With the settings of the environment, in processes of their own.
ON = {"EVALHUB_OIDC_ISSUER": "https://id.example.com", "EVALHUB_OIDC_CLIENT_ID": "x", "EVALHUB_OIDC_CLIENT_SECRET": "y"}


def test_switched_on_it_passes_the_checks_and_has_its_pages():
    words = (
        "from django.urls import reverse; from django.core.management import call_command; call_command('check'); "
        "print(reverse('oidc-callback'), reverse('admin:socialaccount_socialaccount_changelist'))"
    )
    shown = manage("shell", "--no-imports", "-c", words, **ON)
    assert "/sign-in/oidc/callback /admin/socialaccount/socialaccount/" in shown.stdout, shown.stderr
    assert "no issues" in shown.stdout


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"EVALHUB_OIDC_CLIENT_SECRET": ""}, "needs EVALHUB_OIDC_CLIENT_ID and EVALHUB_OIDC_CLIENT_SECRET"),
        ({"EVALHUB_OIDC_ISSUER": "http://id.example.com", "EVALHUB_URL": "https://x.example"}, "must start with https"),
    ],
)
def test_half_of_its_settings_stop_the_start(wrong, words):
    assert words in manage("check", **ON | wrong).stderr
