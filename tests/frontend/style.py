"""Sample data for the style page: every component once. A fixture of tests and previews, never a page of the product."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.paginator import Paginator
from django.utils.translation import gettext as _

from backoffice.context_processors import StoreChoice, Top
from backoffice.navigation import Link, Section
from core.forms import MomentField
from core.looks import LOOKS
from core.tables import (
    ActionsColumn,
    AmountColumn,
    BaseTable,
    CellColumn,
    NumberColumn,
    PickColumn,
    StateColumn,
    WhenColumn,
)
from core.templatetags.bo import zone_text

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
WORDS = {
    "campaign": ("夏季清仓 限时折扣", "Summer clearance, limited-time discount"),
    "pause": ("暂停（可恢复）", "Pause (can resume)"),
    "new": ("新建活动", "New campaign"),
    "state": ("状态", "State"),
    "refresh": ("刷新", "Refresh"),
    "columns": ("列设置", "Columns"),
    "stop": ("之后还可能恢复这个活动吗？", "Might this campaign come back later?"),
    "maybe": ("可能会，或还不确定 → 暂停", "Perhaps, or not sure yet → pause"),
    "never": ("不会，永远不再使用 → 永久取消活动", "No, never again → end it for good"),
    "one": ("配置与数据保留，可随时恢复", "Settings and data stay; resume at any time"),
    "two": ("前台立即停止优惠；已下单订单不受影响", "Buyers see no discount at once; orders keep their terms"),
    "three": ("128个商品的活动标签将被清除", "128 products lose their campaign tag"),
    "on": ("继续前往「永久取消」检查…", "Go on to the checks…"),
    "checks": ("关闭前检查：2项阻塞，1项提醒", "Checks: 2 blocked, 1 warning"),
    "report": ("关闭报告", "Close report"),
    "timeline": ("状态时间线", "Timeline"),
    "final": ("永久取消活动", "Cancel campaign permanently"),
    "affiliate": ("联盟推广计划「EU-Spring」进行中", "Affiliate plan “EU-Spring” is running"),
    "affiliate_fix": ("先在联盟营销中心暂停该计划", "Pause the plan in the affiliate centre first"),
    "go": ("去暂停推广计划", "Pause the plan"),
    "deposit": ("营销保证金欠款CNY 2,000.00", "Marketing deposit: CNY 2,000.00 in arrears"),
    "display": ("停止前台展示", "Stop display"),
    "tags": ("清除活动标签", "Clear tags"),
    "sites": ("发布到各站点", "Publish to sites"),
    "verify": ("前台核实", "Verify as a buyer"),
    "problem": ("该操作未能完成", "This could not be done"),
    "detail": ("页面已过期：运营B刚刚修改了结束时间。", "The page is stale: Operator B has just moved the end time."),
    "fix": ("重新加载后再试，您的更改不会丢失。", "Load it again and retry; your change is not lost."),
    "name": ("活动名称", "Campaign name"),
    "who": ("运营A", "Operator A"),
    "owner": ("店主", "Main account"),
}


def words(language: str) -> dict[str, str]:
    """The page's own texts in one language."""
    return {key: pair[0 if language.startswith("zh") else 1] for key, pair in WORDS.items()}


class _Query(forms.Form):
    q = forms.CharField(label="ID", required=False)
    state = forms.ChoiceField(label="State", choices=[("", "—"), ("running", "running")], required=False)
    until = MomentField(label="Ends", required=False)
    kind = forms.CharField(label="Kind", required=False)


class _Form(forms.Form):
    name = forms.CharField(label="Name", help_text="At most 60 characters.")
    starts_at = MomentField(label="Starts", zone=ZONE)
    choice = forms.ChoiceField(label="Choice", widget=forms.RadioSelect, choices=[("a", "One"), ("b", "Two")])
    agree = forms.BooleanField(label="Freeze use of claimed coupons", help_text="Off unless you choose it.")
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False)


class _Plain(forms.Form):
    at = MomentField(label="At", zone=ZONE)


class _Table(BaseTable):
    pick = PickColumn(accessor="code", about="name")
    name = CellColumn('<a href="#x">{{ record.name }}</a><span class="bo-sub">{{ record.code }}</span>')
    state = StateColumn(kind="campaign")
    ends_at = WhenColumn(verbose_name="Ends")
    amount = AmountColumn(currency="USD", verbose_name="Sales (USD)")
    items = NumberColumn(verbose_name="Items")
    actions = ActionsColumn("style/actions.html")
    row_header = "name"


def context(language: str) -> dict[str, Any]:
    """Everything that `style/page.html` and the frame around it show."""
    t = words(language)
    rows = [
        {
            "code": f"C-7F3K{n}",
            "name": t["campaign"],
            "state": state,
            "ends_at": NOW + timedelta(days=n),
            "items": 128 * n,
        }
        | {"amount": Decimal("12408.5") * n}
        for n, state in enumerate(("running", "paused", "in_review", "cancelling", "ended"), 1)
    ]
    for row in rows:
        row["record_words"] = t
    table = _Table(rows, order_by="ends_at")
    table.caption = t["report"]
    table.menu = [
        {"label": t["pause"], "url": "#x", "icon": "pause", "tone": "pause"},
        {"label": t["columns"], "url": "#x"},
    ]
    table.final = [{"label": t["final"] + "…", "url": "#x"}]
    past = NOW - timedelta(minutes=3)
    return {
        "t": t,
        "time_zone": ZONE,
        "soon": NOW + timedelta(seconds=599),
        "before": past,
        "amount": Decimal("1234567.5"),
        "table": table,
        "query": _Query({"state": "running"}),
        "plain": _Plain(),
        "form": _Form({"name": "", "starts_at": "2026-13-01", "choice": "c"}),
        "page": Paginator(range(1284), 50).get_page(4),
        "people": [t["owner"]],
        "tabs": [SimpleNamespace(label=t["state"], url="?", current=n == 0, count=n * 12) for n in range(3)],
        "batch": [{"value": "pause", "label": t["pause"], "icon": "pause", "tone": "pause"}],
        "lock": SimpleNamespace(holder=t["who"], until=NOW + timedelta(seconds=8)),
        "guards": [
            {"code": "ERR_CLOSE_AFFILIATE_ACTIVE", "status": "blocked", "title": t["affiliate"], "evidence": "41.2%",
             "fix": t["affiliate_fix"], "fix_url": "#x", "fix_label": t["go"], "policy_version": "2024-06"},
            {"code": "ERR_CLOSE_DEPOSIT_ARREARS", "status": "warning", "title": t["deposit"]},
            {"code": "ERR_KYC", "status": "passed", "title": t["owner"]},
            {"code": "ERR_CLOSE_PRICE_CONFLICT", "status": "unknown", "title": t["checks"]},
        ],
        "steps": [
            {"code": "stop_display", "label": t["display"], "state": "done", "done": 128, "total": 128, "finished_at": past},
            {"code": "clear_tags", "label": t["tags"], "state": "running", "done": 80, "total": 128, "started_at": past},
            {"code": "publish_sites", "label": t["sites"], "state": "failed", "done": 1, "total": 2, "error": "502", "retry_url": "#x"},
            {"code": "verify", "label": t["verify"], "state": "pending", "done": 0, "total": 0},
        ],
        "events": [
            {"icon": "pause", "at": past, "title": t["pause"], "actor": t["who"], "text": t["two"]},
            {"icon": "play", "at": past - timedelta(days=2), "title": t["new"], "actor": t["who"]},
        ],
        "stages": [
            {"label": t["new"], "done": True}, {"label": t["pause"], "done": True, "current": True}, {"label": t["final"]},
        ],
        "facts": [(t["name"], t["campaign"]), (t["state"], "C-7F3KQ")],
        "changes": [
            {"label": t["name"], "before": "24.90", "after": "18.90"},
            {"label": t["state"], "before": None, "after": "x"},
        ],
        "problem": {
            "code": "ERR_VERSION_CONFLICT", "request_id": "5f0c2a1be3",
            "title": t["problem"], "detail": t["detail"], "fix": t["fix"],
        },
        "note": {"title": t["two"], "detail": t["one"]},
        "chips": [(kind, state) for kind, states in LOOKS.items() for state in states],
    }  # fmt: skip


def frame(language: str) -> dict[str, Any]:
    """What the shell's context processor gives on a real page."""
    zh = language.startswith("zh")
    name, other = (
        ("松果衣橱（演示）", "河灯数码（演示）") if zh else ("Pinecone Wardrobe (Demo)", "Riverlamp Digital (Demo)")
    )
    top = Top(
        store=name, zone=zone_text(ZONE, NOW), stores=(StoreChoice(name, "#pinecone", True), StoreChoice(other, "#riverlamp", False)),
        search_url="#search", messages_url="#messages", unread=7, person="运营A（演示）" if zh else "Demo Operator A",
        email="operator@demo.test", is_owner=False, menu=(Link(_("Display settings"), "#8", "adjustments"),),
    )  # fmt: skip
    return {
        "top": top, "store": SimpleNamespace(slug="pinecone", label=name, time_zone="Asia/Shanghai"),
        "home_url": "/", "time_zone": ZONE, "search_url": "#search",
        "nav": (
            Section("", (Link(_("Dashboard"), "#1", "gauge"),)),
            Section(_("Marketing centre"), (Link(_("Campaigns"), "#2", "speaker", True), Link(_("Past campaigns"), "#3", "history"))),
            Section(_("Goods"), (Link(_("Listings"), "#4", "tag"), Link(_("Orders"), "#5", "receipt"))),
            Section(_("Administration"), (Link(_("Staff"), "#6", "users"), Link(_("Audit log"), "#7", "shield-check"))),
        ),
    }  # fmt: skip
