"""What this machine has, and PostgreSQL settings that fit it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

MIB = 1024 * 1024
GIB = 1024 * MIB


def memory_bytes() -> int:
    """Memory this process may use, in bytes: the machine's, or the container's limit when that is lower."""
    total = int(psutil.virtual_memory().total)
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(limit).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total


def disk_free_bytes(folder: Path) -> int:
    """Free bytes on the disk that holds `folder`, or its nearest existing parent."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def postgres_settings(folder: Path, *, scratch: bool) -> dict[str, str]:
    """Settings of the embedded PostgreSQL, sized by memory and disk at each start.

    `scratch` is for tests only: a crash of the machine may lose the cluster, which is then made anew.
    """
    memory = memory_bytes()
    cores = os.cpu_count() or 1
    shared = _between(32 * MIB, memory // 12, 256 * MIB if scratch else 2 * GIB)
    wal = _between(1 * GIB, disk_free_bytes(folder) // 10, 2 * GIB if scratch else 8 * GIB)
    settings = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{shared // MIB}MB",
        "effective_cache_size": f"{max(memory // 2, shared) // MIB}MB",
        "maintenance_work_mem": f"{_between(64 * MIB, memory // 32, 512 * MIB) // MIB}MB",
        "work_mem": f"{_between(4 * MIB, memory // 1000, 32 * MIB) // MIB}MB",
        "min_wal_size": "256MB",
        "max_wal_size": f"{wal // MIB}MB",
        "wal_compression": "pglz",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "64",
        "max_parallel_workers": str(cores),
        "max_worker_processes": str(max(8, cores)),
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_min_duration_statement": "2000",
        "log_line_prefix": "%m [%p] %a ",
    }
    if scratch:
        settings |= {
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "autovacuum_naptime": "10min",
            "log_min_duration_statement": "-1",
        }
    return settings
