"""Writing a bundle to a file piece by piece, byte for byte as `verify.pack` makes it, never held in memory whole."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from campaigns.proof import verify

#: Up to here a bundle stays in memory; larger ones go to the disk.
SPOOLED = 1 << 20
_CHUNK = 1 << 16


class Packer:
    """A zip that grows file by file. The head of each entry is written again once its length and checksum are known."""

    def __init__(self) -> None:
        # Who asked for the bundle reads and closes it.
        self.file: IO[bytes] = SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115 - closed by whoever reads it to its end
        self.rows: list[dict[str, Any]] = []
        self._central = bytearray()

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """Add a file, given in pieces."""
        title, start = name.encode(), self.file.tell()
        self.file.write(_head(title, 0, 0))
        crc, size, digest = 0, 0, hashlib.sha256()
        for piece in pieces:
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            digest.update(piece)
            self.file.write(piece)
        end = self.file.tell()
        self.file.seek(start)
        self.file.write(_head(title, crc, size))
        self.file.seek(end)
        self._central += verify.central_of(verify.shared_of(title, crc, size), title, start)
        self.rows.append({"name": name, "size": size, "sha256": digest.hexdigest()})

    def finish(self) -> tuple[int, str]:
        """Add the manifest of what was added, and the end; answers size and SHA-256 of the whole, the file set to its beginning."""
        manifest = verify.text_of({"format": verify.FORMAT, "files": list(self.rows)})
        self.add("manifest.json", [manifest])
        begin = self.file.tell()
        self.file.write(bytes(self._central) + verify.end_of(len(self.rows), len(self._central), begin))
        size, digest = self.file.tell(), hashlib.sha256()
        self.file.seek(0)
        while piece := self.file.read(_CHUNK):
            digest.update(piece)
        self.file.seek(0)
        return size, digest.hexdigest()


def _head(title: bytes, crc: int, size: int) -> bytes:
    return verify.LOCAL + verify.shared_of(title, crc, size) + title
