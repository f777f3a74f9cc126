"""The message tool: what it collects, what it refuses, and that the catalogue is whole."""

from __future__ import annotations

import os

import pytest

from core.catalogue import ensure_compiled
from tools import messages


def test_the_catalogue_is_whole():
    assert messages.check() == []


@pytest.mark.parametrize(
    ("english", "chinese", "why"),
    [
        ("Save", "", "no Chinese"),
        ("%(n)s items", "若干项", "placeholders differ"),
        ("{n} selected", "已选{m}项", "placeholders differ"),
        ("Paused, not ended", "已暂停,未结束", "half-width"),
        ("Pause (can resume)", "暂停(可恢复)", "half-width"),
        ("Done.", "已完成.", "half-width"),
        ("“%(name)s” is over", "「%(name)s」已结束", "inside 「」"),
        ("Dismiss", "取消", "never stands alone"),
        ("Cancel", "返回，不做更改", "never stands alone"),
        ("Cancel…", "返回，不做更改", "never stands alone"),
        ("Clear selection", "取消选择", "never stands alone"),
        ("Restore the price", "恢复原价", "销售价"),
        ("Saved", "保存成功", "no proof"),
        ("Two days", "T+2", "延迟约2小时"),
    ],
)
def test_faults_are_found(english, chinese, why):
    assert any(why in fault for fault in messages.faults_of(english, chinese))


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Cancel campaign permanently", "永久取消活动"),
        ("Cancel held (can be taken back)", "待取消（可撤回）"),
        ("Cancelled", "已取消"),
        ("Take back the cancel", "撤回取消"),
        ("Price Protection promise", "价格保护(Price Protection)"),
        ("%(who)s is on it; %(left)s s left", "%(who)s 正在操作，%(left)s秒后可重试"),
        ("Ratio 1.5", "比例1.5"),
        ("As of 14:00", "数据截至14:00"),
    ],
)
def test_good_pairs_pass(english, chinese):
    assert list(messages.faults_of(english, chinese)) == []


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A small project of one room and one template."""
    (tmp_path / "room").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "locale" / "parts").mkdir(parents=True)
    (tmp_path / "room" / "words.py").write_text(
        "from django.utils.translation import gettext_lazy as _, ngettext, pgettext\n"
        "a = _('Pause')\nb = ngettext('%(n)s item', '%(n)s items', 2)\nc = pgettext('guard', 'Passed')\n"
    )
    (tmp_path / "templates" / "page.html").write_text(
        "{% load i18n %}<p title=\"{% translate 'Stop' %}\">{% blocktranslate with n=x %}Stop {{ n }}{% endblocktranslate %}"
        '  <b>{{ y|default:_("None yet") }}</b>\n{% translate "Open" context "state" %}</p>'
    )
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(messages, "PARTS", tmp_path / "locale" / "parts")
    monkeypatch.setattr(messages, "CATALOGUE", tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po")
    return tmp_path


def test_words_of_python_and_templates_are_collected(house):
    catalogue, _ = messages.merged()
    found = {(message.id, message.context) for message in messages.messages(catalogue)}
    assert found == {
        ("Pause", None), (("%(n)s item", "%(n)s items"), None), ("Passed", "guard"), ("Stop", None),
        ("Stop %(n)s", None), ("None yet", None), ("Open", "state"),
    }  # fmt: skip


def test_words_under_another_name_of_gettext_are_collected(house):
    (house / "room" / "now.py").write_text(
        "from django.utils.translation import gettext as _now\nfrom django.utils.translation import ngettext as many\n"
        "d = _now('At once')\ne = many('%(n)s row', '%(n)s rows', 2)\n"
    )
    catalogue, _ = messages.merged()
    found = {message.id for message in messages.messages(catalogue)}
    assert {"At once", ("%(n)s row", "%(n)s rows")} <= found


def test_parts_are_merged_kept_and_compiled(house):
    (house / "locale/parts/room.po").write_text(
        'msgid "Pause"\nmsgstr "暂停"\n\nmsgid "%(n)s item"\nmsgid_plural "%(n)s items"\nmsgstr[0] "%(n)s项"\n'
    )
    assert messages.extract() == []
    first = messages.CATALOGUE.read_bytes()
    (house / "locale/parts/room.po").unlink()
    assert messages.extract() == []
    assert messages.CATALOGUE.read_bytes() == first, "a translation once merged stays"
    assert messages.compile_command() == []
    assert "暂停".encode() in messages.CATALOGUE.with_suffix(".mo").read_bytes()
    assert sum("no Chinese" in problem for problem in messages.check()) == 5


def test_parts_that_disagree_are_named(house):
    for name, chinese in (("a", "暂停"), ("b", "中止")):
        (house / f"locale/parts/{name}.po").write_text(f'msgid "Pause"\nmsgstr "{chinese}"\n')
    assert messages.extract() == ["b.po and a.po disagree on “Pause”: 中止 / 暂停"]


def test_a_stale_catalogue_is_named(house):
    messages.extract()
    (house / "room" / "more.py").write_text("from django.utils.translation import gettext\nd = gettext('New')\n")
    assert any("run tools/messages.py extract" in problem for problem in messages.check())


def test_words_of_other_packages_stay(house):
    (house / "locale/parts/_allauth.po").write_text('msgid "Too short"\nmsgstr "太短"\n')
    messages.extract()
    assert 'msgid "Too short"' in messages.CATALOGUE.read_text()


def test_the_product_compiles_what_is_missing_or_older(house):
    messages.extract()
    compiled = messages.CATALOGUE.with_suffix(".mo")
    ensure_compiled([messages.LOCALE])
    first = compiled.stat().st_mtime_ns
    ensure_compiled([messages.LOCALE])
    assert compiled.stat().st_mtime_ns == first, "nothing to do the second time"
    os.utime(compiled, ns=(0, 0))
    ensure_compiled([messages.LOCALE])
    assert compiled.stat().st_mtime_ns > 0
    assert [path.name for path in compiled.parent.iterdir() if "part" in path.name] == []
