"""An app with a job for Celery that stands still until a test lets it go."""
