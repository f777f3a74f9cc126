"""Static files under names that carry their hash, compressed beforehand: a browser keeps them for ever and loads a quarter.

`manage.py prepare` collects them. Where that has not been done (a development server, tests), the plain names are served.
"""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Whitenoise's storage; imports between our ES modules are rewritten too."""

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        """The hashed name, or the plain one of a file that was never collected."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
