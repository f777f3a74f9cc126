#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL and REDIS_URL, a command that needs the servers starts or finds them."""

import os
import sys

from backoffice.env import environment
from backoffice.servers import ServersError, ensure
from backoffice.servers.options import apply_up_options, wants_servers


def main() -> None:
    """Read the environment, hold the embedded servers where they are needed, run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    apply_up_options(sys.argv)
    wanted = wants_servers(sys.argv, environment())
    try:
        if wanted:
            ensure(environment().data_dir, want=wanted)
    except ServersError as error:
        sys.stderr.write(f"Cannot start: {error}\n")
        raise SystemExit(2) from None
    from django.core.management import execute_from_command_line  # after the environment is known to be whole

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
