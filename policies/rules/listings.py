"""Limits of listings, prices, stock and imports (R90, R96, R97)."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class ListingRules(Rules):
    """What a listing and its SKUs may hold."""

    key: ClassVar[str] = "listings"

    sku_pattern: str = Field(default=r"[A-Za-z0-9][A-Za-z0-9-]*", description=_("R90: the whole code must match."))
    sku_allowed: str = Field(
        default=r"[A-Za-z0-9-]", description=_("R90: one allowed character, to name the wrong ones.")
    )
    sku_max_length: int = Field(default=64, ge=1, description=_("Longest SKU code, in characters."))
    title_max_length: int = Field(
        default=255, ge=1, le=255, description=_("Longest title of a listing, in characters.")
    )
    skus_per_listing: int = Field(default=500, ge=1, description=_("SKUs of one listing at most."))
    quota: int = Field(
        default=3000, ge=1, description=_("R96: products on sale and in review of a fully managed store.")
    )
    rows_per_call: int = Field(default=10_000, ge=1, description=_("Rows of one price or stock call."))
    delist_per_call: int = Field(default=10_000, ge=1, description=_("Listings delisted in one call at most."))
    gradual_delist_hours: int = Field(default=24, ge=1, description=_("R113: from stock zero to delisted."))
    sweep_batch: int = Field(
        default=1000, ge=1, description=_("Listings delisted per transaction when their time has come.")
    )
    sole_trader_refused: tuple[str, ...] = Field(
        default=("edit", "price"),
        description=_(
            "R178: acts of the update console that a sole trader's people may only look at; creating is not updating."
        ),
    )
    abnormal_account_refused: tuple[str, ...] = Field(
        default=("create", "edit", "price", "stock"),
        description=_("R136: acts that a frozen or seriously violating account may not do; delisting stays open."),
    )
    max_stock: int = Field(default=2_000_000_000, ge=1, le=2_147_483_647, description=_("Units of one SKU."))
    stock_future_seconds: int = Field(
        default=300, ge=0, description=_("How far ahead `as_of` of a stock figure may lie.")
    )
    languages_per_listing: int = Field(default=20, ge=1, description=_("Titles of one listing."))
    audit_rows: int = Field(default=50, ge=0, description=_("Rows of one bulk change spelt out in its audit event."))
    history_rows: int = Field(default=50, ge=1, description=_("Rows of price history on a listing's page."))
    search_terms_max: int = Field(default=64, ge=1, description=_("Terms taken from one query."))
    page_size: int = Field(default=50, ge=1, description=_("Listings on one page."))
    page_size_max: int = Field(
        default=200, ge=1, description=_("Listings on one page at most, where the page asks for more.")
    )
    count_limit: int = Field(default=1000, ge=1, description=_("A list counts its matches no further than this."))


class ImportRules(Rules):
    """Files that people upload or load by command."""

    key: ClassVar[str] = "imports"

    max_upload_bytes: int = Field(
        default=5 * 1024 * 1024, ge=1, description=_("Largest file uploaded in the browser or by API, in bytes.")
    )
    max_rows: int = Field(default=1_000_000, ge=1, description=_("Rows of one import from the command line at most."))
    max_upload_rows: int = Field(default=100_000, ge=1, description=_("Rows of one uploaded file at most."))
    max_cell_length: int = Field(
        default=10_000, ge=1, description=_("Longest cell of an imported file, in characters.")
    )
    max_columns: int = Field(default=200, ge=1, description=_("Columns of an imported file at most."))
    max_inflated_bytes: int = Field(
        default=2 * 1024**3, ge=1, description=_("Largest compressed file once it is unpacked, in bytes.")
    )
    max_sheet_bytes: int = Field(
        default=64 * 1024**2, ge=1, description=_("Largest sheet of a workbook once it is unpacked, in bytes.")
    )
    max_sheet_memory: int = Field(
        default=1024**3, ge=256 * 1024**2, description=_("Memory that reading one workbook may take, in bytes.")
    )
    max_sheet_seconds: int = Field(
        default=30, ge=1, description=_("Seconds of a processor that reading one workbook may take.")
    )
    max_inflate_ratio: int = Field(
        default=200, ge=1, description=_("How many times its packed size a workbook may unpack to.")
    )
    batch: int = Field(default=5000, ge=1, description=_("Rows written per transaction."))
    cancellation_prefix: str = Field(
        default="C", description=_("Order codes of this letter and digits take an order back.")
    )
    adjustment_prefix: str = Field(default="A", description=_("Order codes of this letter and digits adjust accounts."))
    errors_kept: int = Field(default=1000, ge=1, description=_("Row errors shown with a job; the file holds them all."))
    job_lease: int = Field(
        default=120, ge=1, description=_("Seconds a job may be silent before another worker takes it.")
    )
    job_attempts: int = Field(
        default=3, ge=1, description=_("Runs of a job that a worker did not survive before it is given up.")
    )
    job_files_days: int = Field(
        default=30, ge=1, description=_("How long uploaded files and their refused rows are kept.")
    )
    max_line_length: int = Field(default=200_000, ge=1, description=_("Characters of one line of a csv file."))
    encodings: tuple[str, ...] = Field(
        default=("utf-8-sig", "gb18030", "iso-8859-1"), description=_("Encodings of a file, tried in this order.")
    )
    earliest_year: int = Field(default=1990, description=_("Dates before it are absurd."))
    future_days: int = Field(default=1, ge=0, description=_("How far ahead of now an order's date may lie."))
