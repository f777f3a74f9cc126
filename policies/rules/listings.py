"""Limits of listings, prices, stock and imports (R90, R96, R97)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from policies.rules.base import Rules


class ListingRules(Rules):
    """What a listing and its SKUs may hold."""

    key: ClassVar[str] = "listings"

    sku_pattern: str = Field(default=r"[A-Za-z0-9][A-Za-z0-9-]*", description="R90: the whole code must match.")
    sku_allowed: str = Field(default=r"[A-Za-z0-9-]", description="R90: one allowed character, to name the wrong ones.")
    sku_max_length: int = Field(default=64, ge=1)
    title_max_length: int = Field(default=255, ge=1, le=255)
    skus_per_listing: int = Field(default=500, ge=1)
    quota: int = Field(default=3000, ge=1, description="R96: products on sale and in review of a fully managed store.")
    rows_per_call: int = Field(default=10_000, ge=1, description="Rows of one price or stock call.")
    delist_per_call: int = Field(default=10_000, ge=1)
    gradual_delist_hours: int = Field(default=24, ge=1, description="R113: from stock zero to delisted.")
    sweep_batch: int = Field(
        default=1000, ge=1, description="Listings delisted per transaction when their time has come."
    )
    sole_trader_refused: tuple[str, ...] = Field(
        default=("edit", "price"),
        description="R178: acts of the update console that a sole trader's people may only look at; creating is not updating.",
    )
    abnormal_account_refused: tuple[str, ...] = Field(
        default=("create", "edit", "price", "stock"),
        description="R136: acts that a frozen or seriously violating account may not do; delisting stays open.",
    )
    max_stock: int = Field(default=2_000_000_000, ge=1, le=2_147_483_647, description="Units of one SKU.")
    stock_future_seconds: int = Field(default=300, ge=0, description="How far ahead `as_of` of a stock figure may lie.")
    languages_per_listing: int = Field(default=20, ge=1, description="Titles of one listing.")
    audit_rows: int = Field(default=50, ge=0, description="Rows of one bulk change spelt out in its audit event.")
    history_rows: int = Field(default=50, ge=1, description="Rows of price history on a listing's page.")
    safety_stock_percent: int = Field(default=10, ge=0, le=100, description="R97.")
    search_terms_max: int = Field(default=64, ge=1, description="Terms taken from one query.")
    page_size: int = Field(default=50, ge=1)
    page_size_max: int = Field(default=200, ge=1)
    count_limit: int = Field(default=1000, ge=1, description="A list counts its matches no further than this.")


class ImportRules(Rules):
    """Files that people upload or load by command."""

    key: ClassVar[str] = "imports"

    max_upload_bytes: int = Field(default=5 * 1024 * 1024, ge=1, description="In the browser and by API.")
    max_rows: int = Field(default=1_000_000, ge=1)
    max_upload_rows: int = Field(default=100_000, ge=1)
    max_cell_length: int = Field(default=10_000, ge=1)
    max_columns: int = Field(default=200, ge=1)
    max_inflated_bytes: int = Field(default=2 * 1024**3, ge=1, description="Of a compressed file.")
    max_sheet_bytes: int = Field(default=64 * 1024**2, ge=1, description="Of a workbook, unpacked.")
    max_inflate_ratio: int = Field(default=200, ge=1)
    batch: int = Field(default=5000, ge=1, description="Rows written per transaction.")
    cancellation_prefix: str = Field(
        default="C", description="Order codes of this letter and digits take an order back."
    )
    adjustment_prefix: str = Field(default="A", description="Order codes of this letter and digits adjust accounts.")
    errors_kept: int = Field(default=1000, ge=1, description="Row errors shown with a job; the file holds them all.")
    job_lease: int = Field(default=120, ge=1, description="Seconds a job may be silent before another worker takes it.")
    job_attempts: int = Field(
        default=3, ge=1, description="Runs of a job that a worker did not survive before it is given up."
    )
    job_files_days: int = Field(
        default=30, ge=1, description="How long uploaded files and their refused rows are kept."
    )
    max_line_length: int = Field(default=200_000, ge=1, description="Characters of one line of a csv file.")
    encodings: tuple[str, ...] = Field(
        default=("utf-8-sig", "gb18030", "iso-8859-1"), description="Tried in this order."
    )
    earliest_year: int = Field(default=1990, description="Dates before it are absurd.")
    future_days: int = Field(default=1, ge=0, description="How far ahead of now an order's date may lie.")
