"""One settings file for trial, tests and production; every choice comes from the environment (README, "Settings").

Without DATABASE_URL this is a trial: PostgreSQL and Redis are found in the data folder, where `manage.py up` runs them.
"""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.csp import CSP

from evalhub import embedded, env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = embedded.data_dir(BASE_DIR)
DEBUG = env.flag("EVALHUB_DEBUG")
TRIAL = not env.text("DATABASE_URL")

# The address people and exporters use; https turns on everything that belongs to it.
PUBLIC_URL = env.text("EVALHUB_URL", "http://localhost:8000").rstrip("/")
HTTPS = urlsplit(PUBLIC_URL).scheme == "https"

SECRET_KEY = env.secret("SECRET_KEY", DATA_DIR / "secret_key")
if not SECRET_KEY:
    if not TRIAL:
        raise ImproperlyConfigured(
            "Set SECRET_KEY: with DATABASE_URL given, EvalHub runs with no secret of its own making."
        )
    SECRET_KEY = secrets.token_urlsafe(50)  # this process alone; `up` writes one that stays
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")

ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "localhost", *env.words("ALLOWED_HOSTS")]
if TRIAL:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL, *env.words("CSRF_TRUSTED_ORIGINS")]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "django_filters",
    "django_tables2",
    "evalhub.apps.QueuesConfig",
    "ninja",  # serves its API page from here instead of a CDN
    "lucide",
    "evalhub.apps.EvalHubConfig",
    "records.apps.RecordsConfig",
    "scoring.apps.ScoringConfig",
    "experiments.apps.ExperimentsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "evalhub.middleware.SignInRequired",
    "evalhub.middleware.OneTimePassword",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "evalhub.middleware.admin_policy",
]

ROOT_URLCONF = "evalhub.urls"
WSGI_APPLICATION = "evalhub.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": env.number("DATABASE_CONN_MAX_AGE", 60),
        "CONN_HEALTH_CHECKS": True,
        **(embedded.database(DATA_DIR) if TRIAL else env.database(env.text("DATABASE_URL"))),
    }
}
# For the cursors of records.sql.preparing_cursor; Django's own never prepare.
DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 5
REDIS_URL = env.text("REDIS_URL") or embedded.redis_url(DATA_DIR)

# Four doors to the workers; in which order one looks behind them, see `up`.
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 1800} for name in ("plan", "online", "bulk", "default")}
RQ = {"COMMIT_MODE": "on_db_commit", "WORKER_CLASS": "evalhub.worker.Worker"}
JOB_MODULES = ["records.jobs", "scoring.jobs", "experiments.jobs"]  # what a worker has loaded before it forks for a job

# What the floors above add to /readyz: a name, and a function that answers (a word, warnings) and raises nothing.
HEALTH_ITEMS = {
    "sandbox": "scoring.sandbox.reports.health",
    "rules": "scoring.rules.notices.health",
    "alerts": "scoring.alerts.tidying.health",
}

# What they add to every sweep: a name, and a function without arguments.
SWEEP_TASKS = {
    "dataset imports": "experiments.datasets.importing.sweep",
    "experiments": "experiments.running.healing.heal",
    "playground": "experiments.playground.running.heal",
}

# Numbers that the floors above tell on the System page and at /metrics.
MEASURES = ["records.measures.measures"]
METRICS_TOKEN = env.text("EVALHUB_METRICS_TOKEN")

# Whether providers and webhooks may be in a private network. A trial's model server mostly runs beside it; where many
# people set up providers, what else answers in that network should not be within their reach.
PRIVATE_ADDRESSES = env.flag("EVALHUB_PRIVATE_ADDRESSES", TRIAL)

# Where e-mails of alerts go out; without a host none do.
MAILS = bool(env.text("EMAIL_HOST"))
MAIL_SSL = env.flag("EMAIL_USE_SSL")
MAIL_TLS = env.flag("EMAIL_USE_TLS", not MAIL_SSL)
if MAIL_SSL and MAIL_TLS:
    raise ImproperlyConfigured("EMAIL_USE_TLS and EMAIL_USE_SSL cannot both be true: a connection begins in one way.")
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env.text("EMAIL_HOST", "localhost"),
            "port": env.number("EMAIL_PORT", 587),
            "username": env.text("EMAIL_HOST_USER"),
            "password": env.text("EMAIL_HOST_PASSWORD"),
            "use_tls": MAIL_TLS,
            "use_ssl": MAIL_SSL,
            "timeout": 10,
        },
    }
}
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"evalhub@{urlsplit(PUBLIC_URL).hostname or 'localhost'}")

# Of one API key; 0: no limit. An exporter's batches of some hundred spans are far below it.
REQUESTS_PER_MINUTE = env.number("EVALHUB_REQUESTS_PER_MINUTE", 6_000)

AUTH_USER_MODEL = "evalhub.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "sign-in"
AUTHENTICATION_BACKENDS = ["evalhub.throttle.SlowedBackend"]
# Length is what counts; what is on every guesser's list, or in one's own name, is refused. NIST SP 800-63B, 3.1.1.2.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 10}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
# Signing in through a provider of identities, beside passwords. Without an issuer nothing of it is loaded.
OIDC_ISSUER = env.text("EVALHUB_OIDC_ISSUER")
OIDC_NAME = env.text("EVALHUB_OIDC_NAME") or urlsplit(OIDC_ISSUER).hostname
OIDC_NEW_USERS = env.words("EVALHUB_OIDC_NEW_USERS")
if OIDC_ISSUER:
    client_id, client_secret = env.text("EVALHUB_OIDC_CLIENT_ID"), env.text("EVALHUB_OIDC_CLIENT_SECRET")
    if not (client_id and client_secret):
        raise ImproperlyConfigured("EVALHUB_OIDC_ISSUER needs EVALHUB_OIDC_CLIENT_ID and EVALHUB_OIDC_CLIENT_SECRET.")
    if HTTPS and urlsplit(OIDC_ISSUER).scheme != "https":
        raise ImproperlyConfigured("EVALHUB_OIDC_ISSUER must start with https://, as EVALHUB_URL does.")
    INSTALLED_APPS += [
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
        "evalhub.oidc.apps.OidcConfig",
    ]
    MIDDLEWARE.append("allauth.account.middleware.AccountMiddleware")
    ACCOUNT_ADAPTER = "evalhub.oidc.entering.AccountAdapter"
    SOCIALACCOUNT_ADAPTER = "evalhub.oidc.entering.SocialAdapter"
    ACCOUNT_EMAIL_VERIFICATION = "none"  # the provider has done it
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "provider_class": "evalhub.oidc.provider.Provider",
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": OIDC_ISSUER,
                    "name": OIDC_NAME,
                    "client_id": client_id,
                    "secret": client_secret,
                    "settings": {"server_url": OIDC_ISSUER.rstrip("/")},
                }
            ],
        }
    }

# A session ends so long after signing in, and with the password that it was opened by.
SESSION_COOKIE_AGE = env.number("EVALHUB_SESSION_HOURS", 14 * 24) * 3600

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = embedded.static_root(BASE_DIR, DATA_DIR)
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "evalhub.staticfinder.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "evalhub.staticstorage.HashedStaticFiles"
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# A whole OTLP batch is bounded by records.limits, not by Django's form limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "form-action": [CSP.SELF],
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if env.flag("EVALHUB_BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# The accent of our own pages, as the admin wants it: shade, lightness, chroma.
ADMIN_ACCENT = [
    ("50", 97, 0.014), ("100", 93, 0.03), ("200", 88, 0.06), ("300", 80, 0.1), ("400", 70, 0.15), ("500", 58, 0.19),
    ("600", 50, 0.2), ("700", 45, 0.19), ("800", 39, 0.16), ("900", 34, 0.13), ("950", 25, 0.09),
]  # fmt: skip
UNFOLD = {
    "SITE_TITLE": "EvalHub",
    "SITE_HEADER": "EvalHub",
    "SITE_URL": "/",
    "COLORS": {"primary": {shade: f"oklch({light}% {chroma} 268)" for shade, light, chroma in ADMIN_ACCENT}},
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "evalhub.logs.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.one_of("LOG_FORMAT", "line", "json"),
        }
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {"mcp": {"level": "WARNING"}},  # it tells of every request that it begins and ends
}
