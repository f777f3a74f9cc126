"""The environment, read once and checked before anything else starts (12-factor)."""

from __future__ import annotations

import os
import secrets
import sys
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backoffice.mail_url import parse_mail_url

BASE_DIR = Path(__file__).resolve().parent.parent


#: Variables whose value holds a secret, or may, and is therefore never shown.
SECRET = frozenset({"DATABASE_URL", "REDIS_URL", "BACKOFFICE_SECRET_KEY", "BACKOFFICE_EMAIL_URL"})


class Environment(BaseSettings):
    """Every variable the project reads. Times are seconds; the table of times is in docs/operations.md."""

    model_config = SettingsConfigDict(env_prefix="", case_sensitive=False, extra="ignore")

    database_url: str | None = None
    redis_url: str | None = None
    backoffice_data_dir: Path = BASE_DIR / "var"
    backoffice_port: int = Field(default=8000, ge=1, le=65535)
    backoffice_secret_key: str | None = Field(default=None, min_length=32)
    backoffice_debug: bool = False
    backoffice_demo: bool = False
    backoffice_https: bool = False
    backoffice_allowed_hosts: Annotated[list[str], NoDecode] = ["127.0.0.1", "localhost", "[::1]"]
    backoffice_public_url: str | None = None
    backoffice_probe_url: str | None = None
    backoffice_trusted_proxies: int = Field(default=0, ge=0, le=5)
    backoffice_email_url: str | None = None
    backoffice_audit_key_file: Path | None = None
    backoffice_checkpoint_dir: Path | None = None
    backoffice_allow_private_targets: bool = False

    campaign_expiry_grace: int = Field(default=900, ge=0)
    campaign_archive_delay: int = Field(default=7200, ge=0)
    post_close_check_delays: Annotated[list[int], NoDecode] = [30, 900, 7800]
    operation_lock: int = Field(default=10, ge=0, le=3600)
    cancel_hold: int = Field(default=600, ge=0, le=3600)
    quote_ttl: int = Field(default=900, ge=1)
    stock_sync_period: int = Field(default=900, ge=1)
    stock_stale_after: int = Field(default=180, ge=1)
    sweep_interval: float = Field(default=5, gt=0, le=60)

    @field_validator("backoffice_allowed_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("post_close_check_delays", mode="before")
    @classmethod
    def _delays(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("post_close_check_delays")
    @classmethod
    def _positive(cls, value: list[int]) -> list[int]:
        if not value or any(delay < 0 for delay in value) or sorted(value) != value:
            raise ValueError("must be one or more seconds in rising order, such as 30,900,7800")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: str | None) -> str | None:
        if value and not value.startswith(("postgres://", "postgresql://")):
            raise ValueError("must begin with postgresql://")
        return value or None

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str | None) -> str | None:
        if value and not value.startswith(("redis://", "rediss://", "redis+socket://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or redis+socket://")
        return value or None

    @field_validator("backoffice_email_url")
    @classmethod
    def _mail(cls, value: str | None) -> str | None:
        if value:
            parse_mail_url(value)
        return value or None

    @property
    def public_url(self) -> str:
        """The address a buyer's client uses, without a trailing slash."""
        return (self.backoffice_public_url or f"http://127.0.0.1:{self.backoffice_port}").rstrip("/")

    @property
    def probe_url(self) -> str:
        """Where probes of our own public pages connect, without a trailing slash; the public address unless given."""
        return (self.backoffice_probe_url or self.public_url).rstrip("/")

    @property
    def data_dir(self) -> Path:
        """Where files, embedded servers and keys live."""
        return self.backoffice_data_dir.absolute()

    def secret_key(self) -> str:
        """The signing key: from the environment, else kept in a private file under the data directory."""
        if self.backoffice_secret_key:
            return self.backoffice_secret_key
        path = self.data_dir / "secret_key"
        try:
            return self._kept_secret(path)
        except OSError as error:
            stop(f"BACKOFFICE_DATA_DIR: {path} cannot be used ({error.strerror})")

    def _kept_secret(self, path: Path) -> str:
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            handle = os.open(path.with_suffix(f".{os.getpid()}"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(50))
            try:
                os.link(path.with_suffix(f".{os.getpid()}"), path)
            except FileExistsError:
                pass
            finally:
                path.with_suffix(f".{os.getpid()}").unlink()
            return path.read_text().strip()


def require_proxy() -> None:
    """Refuse the start of our web server where nobody could ever see a page.

    It speaks plain HTTP. With BACKOFFICE_HTTPS it sends whoever comes without TLS to https, and only a trusted proxy can say that a visitor
    came with it: without one, everybody is sent round for ever.
    """
    if environment().backoffice_https and not environment().backoffice_trusted_proxies:
        stop(
            "BACKOFFICE_HTTPS=true needs BACKOFFICE_TRUSTED_PROXIES=1 or more: the web server speaks plain HTTP behind a proxy with TLS,"
            " and without one every page would redirect for ever"
        )


def stop(reason: str) -> NoReturn:
    """End the start with one clear line; exit 2."""
    sys.stderr.write(f"Cannot start: {reason}\n")
    raise SystemExit(2) from None


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Read and check the environment; a wrong variable stops the start with one clear line (exit 2)."""
    try:
        return Environment()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        given = "" if name in SECRET else f" (got {first['input']!r})"
        stop(f"{name}: {first['msg'].removeprefix('Value error, ')}{given}")
