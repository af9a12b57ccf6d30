"""Jobs in processes of their own, with a real Celery."""
