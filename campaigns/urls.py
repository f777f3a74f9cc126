"""Campaign pages, relative to `s/<store>/campaigns/`."""

from __future__ import annotations

from django.urls import path

from campaigns.views import (
    affiliates,
    bulk,
    closing,
    conflicts,
    detail,
    drafting,
    editing,
    lists,
    parked,
    preview,
    standing,
    stopping,
)

app_name = "campaigns"

urlpatterns = [
    path("", lists.campaign_list, name="list"),
    path("new/", drafting.create, name="new"),
    path("check/", drafting.check, name="check"),
    path("bulk/", bulk.start, name="bulk"),
    path("bulk/jobs/", bulk.jobs, name="bulk_jobs"),
    path("bulk/<int:job>/", bulk.result, name="bulk_result"),
    path("bulk/<int:job>/live/", bulk.live, name="bulk_live"),
    path("bulk/<int:job>/confirm/", bulk.confirm, name="bulk_confirm"),
    path("bulk/<int:job>/cancel/", bulk.cancel, name="bulk_cancel"),
    path("bulk/<int:job>/retry/", bulk.retry, name="bulk_retry"),
    path("bulk/<int:job>/resume/", bulk.resume, name="bulk_resume"),
    path("parked/", parked.parked_list, name="parked"),
    path("parked/<int:parked>/withdraw/", parked.withdraw, name="parked_withdraw"),
    path("stop-all/", bulk.stop_all, name="stop_all"),
    path("standing/", standing.standing, name="standing"),
    path("affiliates/", affiliates.plan_list, name="affiliates"),
    path("affiliates/new/", affiliates.create, name="new_affiliate"),
    path("affiliates/<int:plan>/pause/", affiliates.pause, name="pause_affiliate"),
    path("affiliates/<int:plan>/resume/", affiliates.resume, name="resume_affiliate"),
    path("conflicts/", conflicts.overview, name="conflicts"),
    path("conflicts/<int:sku>/", conflicts.of_sku, name="conflict"),
    path("conflicts/resolve/", conflicts.resolve, name="resolve_conflict"),
    path("<str:code>/", detail.show, name="detail"),
    path("<str:code>/conflicts/", conflicts.of_campaign, name="campaign_conflicts"),
    path("<str:code>/evidence/", detail.evidence, name="evidence"),
    path("<str:code>/edit/", drafting.edit, name="edit"),
    path("<str:code>/items/", detail.items, name="items"),
    path("<str:code>/submit/", editing.submit, name="submit"),
    path("<str:code>/revise/", editing.revise, name="revise"),
    path("<str:code>/prices/", preview.prices, name="prices"),
    path("<str:code>/copy/", editing.copy, name="copy"),
    path("<str:code>/delete/", editing.delete, name="delete"),
    path("<str:code>/stop/", stopping.stop, name="stop"),
    path("<str:code>/cancel/", stopping.cancel, name="cancel"),
    path("<str:code>/resume/", stopping.resume, name="resume"),
    path("<str:code>/take-back/", stopping.take_back, name="take_back"),
    path("<str:code>/closing/", closing.report, name="closing"),
    path("<str:code>/closing/proof.zip", closing.proof, name="closing_proof"),
    path("<str:code>/closing/live/", closing.live, name="closing_live"),
    path("<str:code>/closing/restore-prices/", closing.restore, name="restore_prices"),
    path("<str:code>/closing/run-step/<str:step>/", closing.run_step, name="run_step"),
    path("<str:code>/clean-up/", closing.clean_up, name="clean_up"),
]
