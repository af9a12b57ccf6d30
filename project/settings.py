"""The demo's settings: they work as they stand, and the environment changes what matters.

``OPENAI_API_KEY`` or ``OPENAI_BASE_URL`` bring a real model, with ``OPENAI_MODEL`` and
``OPENAI_API`` (``responses`` or ``chat``). ``DATABASE_URL`` and ``REDIS_URL`` bring the servers
that several processes need, ``WORKERS=1`` leaves the runs to ``manage.py chatkit_worker``.
``DEBUG=0``, ``ALLOWED_HOSTS`` and ``DJANGO_SECRET_KEY`` are for showing it elsewhere, ``HTTPS=1``
behind a proxy that ends TLS; ``DEMO_FOLDER`` is where the database and the key are kept.
``SHOP_PACE=0.2`` lets the simulated work of the shop's slow tools take a fifth of its time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url

from project.secret_key import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO_FOLDER = Path(os.environ.get("DEMO_FOLDER", BASE_DIR / ".demo"))

NO = {"", "0", "false", "no"}

SECRET_KEY = secret_key(DEMO_FOLDER)
DEBUG = os.environ.get("DEBUG", "1").lower() not in NO
ALLOWED_HOSTS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    *filter(None, os.environ.get("ALLOWED_HOSTS", "").split(",")),
]

INSTALLED_APPS = [
    "daphne",  # first: `runserver` then speaks WebSocket
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "channels",
    "chatkit_app",
    "project.shop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "project.security.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "project.shop.cart.cart_in_templates",
                "project.shop.staff.approvals_in_templates",
            ],
        },
    },
]

if os.environ.get("DATABASE_URL"):
    DATABASES = {"default": dj_database_url.config(conn_max_age=0)}
    if "postgresql" in DATABASES["default"]["ENGINE"]:
        # The chat keeps a few connections for itself, so the pool's own default of 4 is too small.
        pool = {"min_size": 2, "max_size": 16}
        DATABASES["default"].setdefault("OPTIONS", {})["pool"] = pool
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(DEMO_FOLDER / "db.sqlite3"),
            # Readers don't wait for writers, and a transaction waits for its turn at its start
            # instead of failing in its middle.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
            },
        }
    }

if os.environ.get("REDIS_URL"):
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    }
else:  # one process needs none
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

OPENAI_MODEL = os.environ.get("OPENAI_MODEL", "gpt-5-mini")

if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
    CHATKIT_PROVIDERS: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": {
                "responses": "chatkit_app.providers.openai_responses.OpenAIResponsesProvider",
                "chat": "chatkit_app.providers.openai_chat.OpenAIChatProvider",
            }[os.environ.get("OPENAI_API") or "responses"],
            "OPTIONS": {
                # a server of one's own may need none, but the header wants a word
                "api_key": os.environ.get("OPENAI_API_KEY") or "none",
                "base_url": os.environ.get("OPENAI_BASE_URL") or None,
            },
        }
    }
else:
    CHATKIT_PROVIDERS = {"default": {"BACKEND": "project.shop.rules.make_provider"}}

CHATKIT_TITLES = True  # of the threads, in their list

CHATKIT_SHARING = True  # by links, which their owners make

SHOP_PACE = float(os.environ.get("SHOP_PACE") or 1)

CHATKIT_VISITOR_MESSAGES_PER_MINUTE = 60  # a real key may be behind it

if os.environ.get("WORKERS", "").lower() not in NO:
    CHATKIT_RUNNER = "chatkit_app.runs.worker_runner.WorkerRunner"

if os.environ.get("HTTPS", "").lower() not in NO:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    # passed on, each line came twice: Daphne has a handler of its own
    "loggers": {
        "chatkit_app": {"handlers": ["console"], "level": "INFO", "propagate": False}
    },
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# Nothing serves this folder: who may read what visitors have sent, the chat itself decides.
MEDIA_ROOT = DEMO_FOLDER / "media"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "shop:catalogue"
LOGOUT_REDIRECT_URL = "shop:catalogue"
