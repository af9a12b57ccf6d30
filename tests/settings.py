"""A site that is small enough to read: SQLite in a file, or whatever DATABASE_URL names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import dj_database_url

SECRET_KEY = "for the tests alone"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
ROOT_URLCONF = "tests.urls"
USE_TZ = True
STATIC_URL = "static/"
AUTH_PASSWORD_VALIDATORS: list[dict[str, str]] = []
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "chatkit_app",
    "tests",
    "project.shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "tests.admin_policy.strict_admin",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ASGI_APPLICATION = "tests.asgi.application"

# Threads and processes share it, so it is a file, and never the one of another run.
_folder = Path(tempfile.gettempdir()) / f"chatkit-tests-{os.getpid()}"
_file = os.environ.get("CHATKIT_TEST_DATABASE", str(_folder / "db.sqlite3"))
Path(_file).parent.mkdir(parents=True, exist_ok=True)

MEDIA_ROOT = os.environ.get("CHATKIT_TEST_MEDIA", str(_folder / "media"))

if os.environ.get("DATABASE_URL"):
    DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
    if os.environ.get("CHATKIT_TEST_DATABASE"):
        DATABASES["default"]["NAME"] = os.environ["CHATKIT_TEST_DATABASE"]
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": _file,
            "TEST": {"NAME": _file},
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
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

CHATKIT_PROVIDERS = {"default": {"BACKEND": "tests.assistants.make_provider"}}
if os.environ.get("CHATKIT_TEST_RUNNER"):
    CHATKIT_RUNNER = os.environ["CHATKIT_TEST_RUNNER"]
CHATKIT_MESSAGES_PER_MINUTE = 1000
CHATKIT_SHARING = True
CHATKIT_THROTTLES = {"fork": "6000/minute"}  # it is asked for at random, and often
CHATKIT_LEASE_SECONDS = float(os.environ.get("CHATKIT_LEASE_SECONDS", "2"))
CHATKIT_HEARTBEAT_SECONDS = CHATKIT_LEASE_SECONDS / 3
CHATKIT_CLAIM_SECONDS = 3.0
CHATKIT_BROKEN_STEP = os.environ.get("CHATKIT_BROKEN_STEP", "void")
CHATKIT_PROVIDER_PAUSE_SECONDS = 0.02
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
