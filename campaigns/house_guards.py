"""The guards of the house itself: time, state, person, version, and the store's standing (R3, R17, R19, R24, R26, R27, R171)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import AccountState, Kyc, Store
from accounts.rights import ALL_RIGHTS, can, grantors
from campaigns.edges import sources
from campaigns.guards import ALL_ACTIONS, RIGHTS, Case, Finding, guard
from campaigns.locks import holder_of, seconds_left
from campaigns.models import Campaign, CampaignState
from campaigns.outcomes import Fix, Text
from core import clock, display

TRANSITIONS = {"pause": "pause", "resume": "resume", "cancel": "hold_cancel", "take_back": "take_back"}
OVER = frozenset({CampaignState.ENDING, CampaignState.ENDED})


@guard("ERR_CLOSE_ENDED", _("Not yet ended"), actions=ALL_ACTIONS, queries=False)
def not_ended(case: Case) -> Mapping[int, Finding]:
    """R3: only a campaign that has not expired can be closed by hand, resumed or taken back."""
    return {
        campaign.pk: Finding(
            _now("It ended at %(moment)s; it is closed by itself.")
            % {"moment": display.sentence(campaign.ends_at, display.zone(case.store.time_zone))},
            {"ends_at": clock.rfc3339(campaign.ends_at), "state": campaign.state},
        )
        for campaign in case.campaigns
        if campaign.ends_at <= case.now or campaign.state in OVER
    }


@guard(
    "ERR_STATE", _("In a state that allows it"), actions=ALL_ACTIONS, queries=False, only_failing=True, by_action=True
)
def in_state(case: Case) -> Mapping[int, Finding]:
    """The declared transitions say from where each action may start; a hold ends by the clock, swept or not."""
    allowed = sources(TRANSITIONS[case.action])
    return _holds_over(case) | {
        campaign.pk: Finding(
            _now("The campaign is “%(state)s”; this needs: %(allowed)s.")
            % {
                "state": campaign.get_state_display(),
                "allowed": display.series(CampaignState(state).label for state in sorted(allowed)),
            },
            {"state": campaign.state, "allowed": sorted(allowed)},
        )
        for campaign in case.campaigns
        if campaign.state not in allowed and campaign.state not in OVER
    }


def _holds_over(case: Case) -> dict[int, Finding]:
    """Cancels that can be taken back no more: they were promised to be final at that moment (R6)."""
    return {
        campaign.pk: Finding(
            _now("The hold was over at %(moment)s: the cancel is final.")
            % {"moment": display.sentence(campaign.cancel_final_at, display.zone(case.store.time_zone))},
            {"state": campaign.state, "cancel_final_at": clock.rfc3339(campaign.cancel_final_at)},
        )
        for campaign in case.campaigns
        if case.action == "take_back"
        and campaign.state == CampaignState.CANCELLING
        and campaign.cancel_final_at is not None
        and campaign.cancel_final_at <= case.now
    }


@guard("ERR_ACCOUNT_STATE", _("Account in normal operation"), actions=ALL_ACTIONS)
def account_normal(case: Case) -> Mapping[int, Finding]:
    """R24."""
    return case.all_alike(account_finding(case.facts, case.store))


def account_finding(facts: Mapping[str, Any], store: Store) -> Finding | None:
    """What is wrong with the account's state, if anything."""
    state = AccountState(facts["account_state"])
    if state == AccountState.NORMAL:
        return None
    return Finding(
        _now("The account's state is “%(state)s”. Platform staff can lift it.") % {"state": state.label},
        {"account_state": str(state)},
        Fix(_("See eligibility and penalties"), reverse("campaigns:standing", kwargs={"store": store.slug})),
    )


@guard("ERR_KYC", _("Identity verified (KYC)"), actions=ALL_ACTIONS)
def kyc_done(case: Case) -> Mapping[int, Finding]:
    """R171."""
    return case.all_alike(kyc_finding(case.facts, case.store))


def kyc_finding(facts: Mapping[str, Any], store: Store) -> Finding | None:
    """What is wrong with the store's identity check, if anything."""
    kyc = Kyc(facts["kyc"])
    if kyc == Kyc.VERIFIED:
        return None
    return Finding(
        _now("KYC is “%(kyc)s”; it must be verified. Platform staff set it.") % {"kyc": kyc.label},
        {"kyc": str(kyc)},
        Fix(_("See eligibility and penalties"), reverse("campaigns:standing", kwargs={"store": store.slug})),
    )


PARTS: dict[str, Text] = {"logo": _("logo"), "banner": _("banner"), "main_category": _("main category")}


@guard("ERR_STORE_UNDECORATED", _("Store decorated: logo, banner, main category"), actions=ALL_ACTIONS)
def decorated(case: Case) -> Mapping[int, Finding]:
    """R27: without the three the campaign console is closed; says which are missing."""
    return case.all_alike(decoration_finding(case.facts, case.store))


def decoration_finding(facts: Mapping[str, Any], store: Store) -> Finding | None:
    """Which of the three are missing, if any; staff may waive them."""
    if facts["profile__decoration_waived"]:
        return None
    missing = [
        name
        for name, value in (
            ("logo", facts["profile__logo"]),
            ("banner", facts["profile__banner"]),
            ("main_category", facts["profile__main_category_id"]),
        )
        if not value
    ]
    if not missing:
        return None
    words = display.series(PARTS[name] for name in missing)
    return Finding(
        _now("Missing: %(parts)s.") % {"parts": words},
        {"missing": missing},
        Fix(_("Decorate the store"), reverse("listings:decoration", kwargs={"store": store.slug})),
    )


@guard("ERR_PERMISSION", _("You hold the right"), by_action=True)
def permitted(case: Case) -> Mapping[int, Finding]:
    """R26: the second-level right, lent by the main account in 员工管理."""
    right = RIGHTS[case.action]
    if can(case.actor, case.store, right, case.now):
        return {}
    names = grantors(case.store)
    return case.all_alike(
        Finding(
            _now("This needs the right “%(right)s”. It can be granted by: %(names)s.")
            % {"right": ALL_RIGHTS[right].label, "names": display.series(names)},
            {"right": right, "granted_by": names},
        )
    )


@guard("ERR_OPERATION_LOCKED", _("Nobody else is on it"), queries=False)
def not_locked(case: Case) -> Mapping[int, Finding]:
    """R19: another admin submitted an action in the last seconds."""
    return {
        campaign.pk: locked_finding(campaign, case)
        for campaign in case.campaigns
        if holder_of(campaign, case.actor, case.now)
    }


def locked_finding(campaign: Campaign, case: Case) -> Finding:
    """Who holds the lock, and for how long."""
    left = seconds_left(campaign, case.now)
    return Finding(
        _now("%(holder)s is on it; it can be tried again in %(seconds)s s.")
        % {"holder": campaign.lock_holder, "seconds": left},
        {"holder": campaign.lock_holder, "seconds_left": left},
    )


@guard("ERR_VERSION_CONFLICT", _("The page is up to date"), queries=False)
def up_to_date(case: Case) -> Mapping[int, Finding]:
    """R17: the asker read the version that stands."""
    return {
        campaign.pk: Finding(
            _now("You read version %(read)s; it stands at %(now)s. Load the page again.")
            % {"read": case.versions[campaign.pk], "now": campaign.version},
            {"read": case.versions[campaign.pk], "current": campaign.version},
        )
        for campaign in case.campaigns
        if case.versions.get(campaign.pk, campaign.version) != campaign.version
    }
