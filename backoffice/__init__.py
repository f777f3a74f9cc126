"""The project: settings, urls, Celery app, embedded servers, shell."""
