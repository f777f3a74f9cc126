"""One `up` per data directory, and the clearing away of what a killed one left running."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from backoffice.servers.client import ServersError
from backoffice.servers.guard import MARK, end, marked

PATIENCE = 15.0  # seconds for processes of a killed run to finish; the kernel has told them to already


class RunLock:
    """The right to run this data directory's processes; it ends with this process."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "up.lock"
        self._descriptor: int | None = None

    def take(self, port: int) -> int:
        """Take the right and end what an earlier, killed run left; answers how many processes that were.

        Raises ServersError in one line when another run is alive.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ServersError(f"{self.path}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            kept = self._kept(descriptor)
            os.close(descriptor)
            raise ServersError(
                f"this copy is already running (process {kept.get('pid')}, port {kept.get('port')}). Stop it, or set "
                "BACKOFFICE_DATA_DIR and BACKOFFICE_PORT to run a second one beside it."
            ) from None
        self._descriptor = descriptor
        left = marked(MARK, str(self._kept(descriptor).get("run") or "none"))
        end(left, patience=PATIENCE)
        record = {"pid": os.getpid(), "port": port, "run": os.environ.get(MARK)}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(record).encode(), 0)
        return len(left)

    @staticmethod
    def _kept(descriptor: int) -> dict[str, object]:
        try:
            kept = json.loads(os.pread(descriptor, 4096, 0))
        except ValueError:
            return {}
        return kept if isinstance(kept, dict) else {}
