"""The site of docs/workers.md whose runs Celery carries."""
