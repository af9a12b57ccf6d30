"""A site that the environment describes: its database, its layer, where its runs are executed."""

from __future__ import annotations

import os

import dj_database_url

SECRET_KEY = "for the faults alone"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.faults.site.urls"
ASGI_APPLICATION = "tests.faults.site.asgi.application"
USE_TZ = True
TIME_ZONE = "UTC"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "channels",
    "chatkit_app",
    "tests.faults.site",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

if os.environ.get("FAULTS_POSTGRES"):
    DATABASES = {"default": dj_database_url.parse(os.environ["FAULTS_POSTGRES"])}
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 2, "max_size": 16}}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["FAULTS_SQLITE"],
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
            },
        }
    }

if os.environ.get("FAULTS_REDIS"):
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["FAULTS_REDIS"]]},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def name_of_process() -> str:
    """The key by which the model's ledger tells which process has asked."""
    return f"process-{os.getpid()}"


CHATKIT_PROVIDERS = {
    "default": {
        "BACKEND": "chatkit_app.providers.openai_chat.OpenAIChatProvider",
        "OPTIONS": {
            "api_key": name_of_process,
            "base_url": os.environ.get("FAULTS_MODEL", "http://127.0.0.1:9/v1"),
            "connect_timeout": 2.0,
            "first_token_timeout": 3.0,
            "next_token_timeout": 2.0,
        },
    }
}
if os.environ.get("FAULTS_RUNNER"):
    CHATKIT_RUNNER = os.environ["FAULTS_RUNNER"]
CHATKIT_LEASE_SECONDS = float(os.environ.get("FAULTS_LEASE", "2.0"))
CHATKIT_HEARTBEAT_SECONDS = CHATKIT_LEASE_SECONDS * 0.3
CHATKIT_CLAIM_SECONDS = 6.0
CHATKIT_PROVIDER_PAUSE_SECONDS = 0.3
CHATKIT_MESSAGES_PER_MINUTE = 100_000
CHATKIT_VISITOR_MESSAGES_PER_MINUTE = 100_000
CHATKIT_ACTIVE_RUNS_PER_VIEWER = 100
CHATKIT_FRAMES_PER_SECOND = 1_000

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "dated": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "dated"}},
    "loggers": {"chatkit_app": {"handlers": ["console"], "level": "INFO"}},
}
