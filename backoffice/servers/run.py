"""One process of a production installation, without supervisor: `python -m backoffice.servers.run web|lifecycle|worker|beat`.

The container image and service managers use it; `manage.py up` starts the same command lines.
"""

from __future__ import annotations

import argparse
import os

from backoffice.env import require_proxy
from backoffice.servers import processes


def command(name: str, host: str, port: int, workers: int) -> list[str]:
    """The command line of the process `name`."""
    if name == "web":
        return processes.web(host, port, workers=workers)
    if name == "beat":
        return processes.beat()
    queues, concurrency = processes.WORKERS[name]
    return processes.worker(name, queues, concurrency)


def main() -> None:
    """Replace this process by the one asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["web", *processes.WORKERS, "beat"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("BACKOFFICE_PORT", "8000")))
    parser.add_argument("--workers", type=int, default=processes.WEB_WORKERS, help="web workers: one per core")
    options = parser.parse_args()
    if options.name == "web":
        require_proxy()
    line = command(options.name, options.host, options.port, options.workers)
    os.execv(line[0], line)  # noqa: S606 - our own interpreter


if __name__ == "__main__":
    main()
