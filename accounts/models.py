"""Users, stores, memberships, lent rights, API tokens."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Make a user; without a password nobody can sign in by form, tokens work at once."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """Sign-in ignores the letter case of the e-mail."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person. Rights in a store come from memberships only; `is_platform_staff` reaches the staff pages."""

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=80, blank=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=80, blank=True)
    is_active = models.BooleanField(default=True)
    is_platform_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(db_default=Now())
    last_store = models.ForeignKey("accounts.Store", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    sessions_epoch = models.PositiveIntegerField(
        default=0, help_text="Raised to end every session of the person at once."
    )
    switched_off_in = models.ForeignKey(
        "accounts.Store",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The store whose main account switched the person off; none when platform staff did.",
    )
    erased_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    #: What `accounts.visitors` read together with the person of a session; None for people found otherwise.
    held: dict[str, Held] | None = None

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.label

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Sessions end when the password or the epoch changes."""
        salt = "accounts.models.User.session"
        return salted_hmac(
            salt, f"{self.password}:{self.sessions_epoch}", secret=secret, algorithm="sha256"
        ).hexdigest()

    @property
    def label(self) -> str:
        """What people read, in the page's language; the e-mail when no name is known; a number for somebody who was erased."""
        if self.erased_at is not None:
            return gettext("Erased person %(number)s") % {"number": self.pk}
        if (get_language() or "").startswith("zh") and self.name_zh:
            return self.name_zh
        return self.name or self.email


class Entity(models.TextChoices):
    """The legal form of the merchant (R178)."""

    COMPANY = "company", _("Company verified")
    SOLE_TRADER = "sole_trader", _("Sole trader")


class AccountState(models.TextChoices):
    """R24, R136."""

    NORMAL = "normal", pgettext_lazy("account state", "Normal")
    FROZEN = "frozen", _("Frozen")
    SERIOUS_VIOLATION = "serious_violation", _("Serious violation")


class Kyc(models.TextChoices):
    """R171."""

    NONE = "none", _("Not done")
    PENDING = "pending", _("Pending")
    VERIFIED = "verified", _("Verified")


class Store(models.Model):
    """A merchant's shop; every store-owned row points here."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80, blank=True)
    entity = models.CharField(max_length=12, choices=Entity.choices, default=Entity.COMPANY)
    account_state = models.CharField(max_length=18, choices=AccountState.choices, default=AccountState.NORMAL)
    kyc = models.CharField(max_length=8, choices=Kyc.choices, default=Kyc.NONE)
    currency = models.CharField(max_length=3, default="USD")
    time_zone = models.CharField(max_length=40, default="Asia/Shanghai")
    opened_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The store's name in the page's language."""
        if (get_language() or "").startswith("zh") and self.name_zh:
            return self.name_zh
        return self.name


class Membership(models.Model):
    """A person in a store. The owner has every right; others hold grants."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    is_owner = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.store_id}"


#: A membership, and the rights it holds at the moment it was read.
Held = tuple[Membership, frozenset[str]]


class Grant(models.Model):
    """A right lent to a member: for a time (`expires_at`), up to a size (caps). None means without bound."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="grants")
    right = models.CharField(max_length=40)
    expires_at = models.DateTimeField(null=True, blank=True)
    max_listings = models.PositiveIntegerField(null=True, blank=True)
    max_percent_off = models.PositiveSmallIntegerField(null=True, blank=True)
    granted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["membership", "right"], name="grant_once")]

    def __str__(self) -> str:
        return f"{self.right} of {self.membership_id}"


class ApiToken(models.Model):
    """A bearer token of one member of one store, or of platform staff (`store` is null). Only its SHA-256 is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, blank=True)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"


class PenaltyKind(models.TextChoices):
    """What a violation costs (R28)."""

    ENROLMENT_BLOCK = "enrolment_block", _("Enrolment right blocked")
    POINTS = "points", _("Penalty points")


class Penalty(models.Model):
    """One line of a store's penalty ledger. Never changed, never deleted: a database trigger refuses it."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=PenaltyKind.choices)
    days = models.PositiveSmallIntegerField(null=True)
    points = models.PositiveSmallIntegerField(default=0)
    until = models.DateTimeField(null=True, help_text="End of a block, exclusive.")
    reason = models.CharField(max_length=300)
    issued_at = models.DateTimeField()
    actor_label = models.CharField(max_length=160)
    policy = models.CharField(max_length=120)

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [models.Index(fields=["store", "-id"], name="penalty_list")]
        verbose_name_plural = "penalties"

    def __str__(self) -> str:
        return f"{self.kind} of {self.store_id}"


class RateCounter(models.Model):
    """How often something was tried in a window; counted atomically in the database (bench 28). `key` holds no personal value."""

    key = models.CharField(primary_key=True, max_length=100)
    taken = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key} {self.taken}"
