from __future__ import annotations

from celery import Celery

app = Celery("mysite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks(["tests.celery_site"], related_name="chat")
