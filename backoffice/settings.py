"""Django settings. What differs between installations comes from the environment (`backoffice/env.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from backoffice.env import BASE_DIR, environment
from backoffice.mail_url import parse_mail_url
from backoffice.servers.dsn import database_settings, redis_url

ENV = environment()

SECRET_KEY = ENV.secret_key()
DEBUG = ENV.backoffice_debug
ALLOWED_HOSTS = ENV.backoffice_allowed_hosts
DEMO_MODE = ENV.backoffice_demo
PUBLIC_URL = ENV.public_url
DATA_DIR: Path = ENV.data_dir
TRUSTED_PROXIES = ENV.backoffice_trusted_proxies

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_tables2",
    "django_filters",
    "template_partials",
    "core.apps.CoreConfig",
    "audit.apps.AuditConfig",
    "policies.apps.PoliciesConfig",
    "accounts.apps.AccountsConfig",
    "inbox.apps.InboxConfig",
    "listings.apps.ListingsConfig",
    "orders.apps.OrdersConfig",
    "publishing.apps.PublishingConfig",
    "finance.apps.FinanceConfig",
    "coupons.apps.CouponsConfig",
    "campaigns.apps.CampaignsConfig",
    "insights.apps.InsightsConfig",
    "storefront.apps.StorefrontConfig",
    "api.apps.ApiConfig",
    "backoffice.apps.BackofficeConfig",
]

MIDDLEWARE = [
    "core.middleware.unit_of_work",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.StoreMiddleware",
]

ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
FORM_RENDERER = "core.forms.Renderer"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "backoffice.context_processors.shell",
            ],
        },
    }
]

DATABASES = {"default": database_settings(ENV)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = redis_url(ENV)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name", "name_zh"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.GuessablePasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_RATE_LIMITS = False  # accounts.limits counts, atomically and in the database
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False

# Cookies know no ports, so that two copies on one machine need two names; `__Host-` ties them to the host over https.
_COOKIE = "__Host-bo" if ENV.backoffice_https else f"bo{ENV.backoffice_port}"
SESSION_COOKIE_NAME = f"{_COOKIE}_session"
CSRF_COOKIE_NAME = f"{_COOKIE}_csrf"
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ENV.backoffice_https
CSRF_COOKIE_SECURE = ENV.backoffice_https
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "backoffice.views.csrf_failure"
SECURE_SSL_REDIRECT = ENV.backoffice_https
SECURE_HSTS_SECONDS = 31_536_000 if ENV.backoffice_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.backoffice_https
SECURE_HSTS_PRELOAD = ENV.backoffice_https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.backoffice_trusted_proxies else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("zh-hans", _("Chinese (simplified)")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 86400
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = ENV.backoffice_https
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Only our own and vendored files: what packages bring along is neither used nor served.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STATIC_ROOT = DATA_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "backoffice.static_storage.HashedStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = DATA_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Without a mail server letters are files below the data directory, where the person who runs the machine finds them.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"
if ENV.backoffice_email_url:
    globals().update(parse_mail_url(ENV.backoffice_email_url))

CAMPAIGN_EXPIRY_GRACE = ENV.campaign_expiry_grace
CAMPAIGN_ARCHIVE_DELAY = ENV.campaign_archive_delay
POST_CLOSE_CHECK_DELAYS = ENV.post_close_check_delays
OPERATION_LOCK = ENV.operation_lock
CANCEL_HOLD = ENV.cancel_hold
QUOTE_TTL = ENV.quote_ttl
STOCK_SYNC_PERIOD = ENV.stock_sync_period
STOCK_STALE_AFTER = ENV.stock_stale_after
SWEEP_INTERVAL = ENV.sweep_interval

OUTBOX_BATCH = 100
#: Seconds after which a worker gives back what it has claimed and not begun.
OUTBOX_TURN = 5
OUTBOX_MAX_ATTEMPTS = 10
OUTBOX_BACKOFF = 2
OUTBOX_BACKOFF_CAP = 3600

#: Where probes of our own pages connect (in containers the public address may lead elsewhere).
PROBE_URL = ENV.probe_url
PROBE_TRANSPORT = "http"
#: Rendered public pages that a process keeps (about 4 kB each).
SHOP_PAGE_CACHE = 2000

#: How often a verb is tried when the database ends it to break a deadlock.
VERB_TRIES = 3
#: Seconds a process may rely on the rule sets it has read (changes of its own are seen at once).
POLICIES_TTL = 5

AUDIT_KEY_FILE = ENV.backoffice_audit_key_file or DATA_DIR / "keys" / "audit_ed25519.pem"
AUDIT_CHECKPOINT_DIR = ENV.backoffice_checkpoint_dir or DATA_DIR / "checkpoints"
ALLOW_PRIVATE_TARGETS = ENV.backoffice_allow_private_targets

# Nothing that counts lives in a cache: limits are in the database, promises too.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "core.logs.OneLine", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}},
}
SILENCED_SYSTEM_CHECKS: list[str] = []
