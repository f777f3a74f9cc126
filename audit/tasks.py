"""Celery entry points: look now, the work is in the database."""

from celery import shared_task

from audit import checkpoints, sealing


@shared_task(ignore_result=True)
def seal() -> None:
    """Seal what waits; sign and export a checkpoint when it is time."""
    sealing.seal()
    checkpoints.checkpoint()
