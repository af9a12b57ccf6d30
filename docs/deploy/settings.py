import os

import dj_database_url  # or write DATABASES out

DEBUG = False
SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["shop.example"]  # never "*"

# The proxy ends TLS and says so in a header that it sets itself, always.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

STATIC_ROOT = "/srv/shop/static"

DATABASES = {"default": dj_database_url.config(conn_max_age=0)}
DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 2, "max_size": 16}}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # the pool asks a connection before it lends it

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    }
}

CHATKIT_RUNNER = "chatkit_app.runs.worker_runner.WorkerRunner"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    # Daphne has a handler of its own for all that is passed on, so that each line came twice.
    "loggers": {
        "chatkit_app": {"handlers": ["console"], "level": "INFO", "propagate": False}
    },
}
