"""What must hold between keys and tables. Nothing is said about keys that are wrong themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from connectors.net.endpoints import is_loopback, is_safe_endpoint
from daemon.config.client_checks import check_clients
from daemon.config.draft import Draft
from daemon.config.problems import listed, nearest
from daemon.config.schema import tables
from daemon.config.schema.insight_tables import StagesTable
from daemon.config.schema.secret_refs import store_problem
from daemon.config.toml_lines import KeyPath
from scoring.meetings.address_book import normalise_address

_OURS: tuple[KeyPath, ...] = (("company", "domains"), ("company", "addresses"), ("email", "outside"))


def check(draft: Draft) -> None:
    """Adds to the draft's problems all that its tables do not show one by one."""
    for step in (_country, _sync, _scoring, _stages, _store, _email, _slack, _web):
        step(draft)
    check_clients(draft)
    _assessments(draft)
    for number, digest in draft.digests:
        _digest(draft, ("digests", number), digest)
    _recipients(draft, ("alerts", "to"), draft.table("alerts", tables.AlertsTable).to, managers=False)
    if any("manager" in digest.to for _, digest in draft.digests):
        _managers(draft)
    for array in ("connectors", "digests"):
        _distinct_names(draft, array)


def _country(draft: Draft) -> None:
    company = draft.company
    if company is None or not company.country:
        if company is not None and company.region:
            draft.source.finding(("company", "region"), "needs company.country", rests_on=[("company", "country")])
        return
    import holidays  # 75 ms, so only for those who ask for public holidays
    from holidays.registry import EntityLoader

    codes = sorted(EntityLoader.get_country_codes(include_aliases=True))
    if company.country not in codes:
        hint = nearest(company.country, [code for code in codes if len(code) == 2])
        draft.source.finding(("company", "country"), 'allowed: an ISO country code, such as "GB"', hint=hint)
        return
    if not company.region:
        return
    place = getattr(holidays, company.country).get_entity()  # brings every country's module with it: as long again
    regions = (*place.subdivisions, *place.subdivisions_aliases)
    if company.region not in regions:
        known = f"allowed: {listed(place.subdivisions)}" if place.subdivisions else 'allowed: "" in that country'
        hint = nearest(company.region, regions)
        draft.source.finding(("company", "region"), known, rests_on=[("company", "country")], hint=hint)


def _sync(draft: Draft) -> None:
    sync = draft.table("sync", tables.SyncTable)
    if sync.retain < sync.history:
        what = f"allowed: not below sync.history, which is {sync.history} months"
        draft.source.finding(("sync", "retain"), what, rests_on=[("sync", "history")])


def _scoring(draft: Draft) -> None:
    scoring = draft.table("scoring", tables.ScoringTable)
    if scoring.longest_meeting <= scoring.long_meeting_over:
        what = "allowed: more than scoring.long_meeting_over"
        rests_on = [("scoring", "long_meeting_over")]
        draft.source.finding(("scoring", "longest_meeting"), what, rests_on=rests_on)


def _stages(draft: Draft) -> None:
    """The higher stage asks for no less than the lower one, or nobody would ever be at that."""
    stages = draft.table("stages", StagesTable)
    for key in ("people", "ours", "months"):
        lower, higher = getattr(stages.collaborative, key), getattr(stages.interconnected, key)
        if higher < lower:
            what = f"allowed: not below stages.collaborative.{key}, which is {lower}"
            rests_on = [("stages", "collaborative", key)]
            draft.source.finding(("stages", "interconnected", key), what, rests_on=rests_on)
    if stages.key_accounts_most < stages.key_accounts_fewest:
        what = f"allowed: not below stages.key_accounts_fewest, which is {stages.key_accounts_fewest}"
        fewest = ("stages", "key_accounts_fewest")
        draft.source.finding(("stages", "key_accounts_most"), what, rests_on=[fewest])


def _store(draft: Draft) -> None:
    url = draft.table("store", tables.StoreTable).url
    if url.inline is None or draft.source.is_broken(("store", "url")):
        return
    workers = draft.table("scale", tables.ScaleTable).workers
    wrong = store_problem(url.inline.get_secret_value(), workers)
    if wrong is None:
        return
    if wrong.startswith("scale.workers"):
        draft.source.finding(("scale", "workers"), "allowed: true only with PostgreSQL (store.url)")
    else:
        draft.source.fault(("store", "url"), wrong)


def _email(draft: Draft) -> None:
    email: tables.EmailTable | None = draft.plain.get("email")
    if email is None:
        return
    if email.security == "none" and not email.insecure and not is_loopback(email.host):
        what = 'allowed: "none" only for a host on loopback, unless email.insecure = true'
        draft.source.finding(("email", "security"), what, rests_on=[("email", "host"), ("email", "insecure")])
    if email.auth == "password":
        _sign_in(draft, email)
        return
    kind = {"microsoft": "microsoft365", "google": "google"}[email.auth]
    if kind not in {item.get("kind") for _, item in draft.items("connectors")}:
        what = f'needs a connector of kind "{kind}", whose credentials are used'
        draft.source.finding(("email", "auth"), what)


def _sign_in(draft: Draft, email: tables.EmailTable) -> None:
    """A name and a password belong together."""
    if email.username and email.password is None:
        draft.source.finding(("email", "username"), "needs email.password", rests_on=[("email", "password")])
    broken = draft.source.is_broken(("email", "username"))
    if email.password is not None and not email.username and not broken:
        draft.source.fault(("email", "password"), "needs email.username")


def _slack(draft: Draft) -> None:
    slack: tables.SlackTable | None = draft.plain.get("slack")
    if slack is None or any(draft.source.is_broken(("slack", key)) for key in ("token", "webhook_url")):
        return
    if (slack.token is None) == (slack.webhook_url is None):
        draft.source.fault(("slack",), "needs exactly one of token and webhook_url")
    hook = slack.webhook_url
    if hook is not None and hook.inline is not None and not is_safe_endpoint(hook.inline.get_secret_value()):
        draft.source.fault(("slack", "webhook_url"), "allowed: an https:// address (http:// on loopback only)")


def _web(draft: Draft) -> None:
    web = draft.table("web", tables.WebTable)
    if web.address is not None and web.token is None and not is_loopback(web.address[0]):
        what = "needs web.token beyond loopback"
        draft.source.finding(("web", "listen"), what, rests_on=[("web", "token")])


def _distinct_names(draft: Draft, array: str) -> None:
    """Judged on the raw values, so that tables with faults take part."""
    first: dict[str, int] = {}
    for number, item in draft.items(array):
        name = item.get("name")
        earlier = first.setdefault(name.casefold(), number) if isinstance(name, str) else number
        if earlier != number:
            line = draft.source.lines.of((array, earlier, "name"))
            draft.source.finding((array, number, "name"), f"this name is taken already, on line {line}")


def _digest(draft: Draft, path: KeyPath, digest: tables.DigestTable) -> None:
    for number, selection in enumerate(digest.clients):
        _selection(draft, (*path, "clients", number), selection)
    _recipients(draft, (*path, "to"), digest.to, managers=True)


def _selection(draft: Draft, path: KeyPath, selection: str) -> None:
    clients = [entry.client for entry in draft.entries]
    kind, colon, _ = selection.partition(":")
    if selection == "*":
        return
    if colon and kind == "tier":
        known: tuple[str, ...] = get_args(tables.Tier)
        what, key = f"allowed tiers: {listed(known)}", None
        known = tuple(f"tier:{tier}" for tier in known)
    elif colon and kind == "manager":
        known = tuple(f"manager:{client.manager}" for client in clients if client.manager is not None)
        what, key = "is no client's manager", "manager"
    else:
        known = tuple(client.name for client in clients)
        what, key = "is no client's name", "name"
    if selection.casefold() not in {name.casefold() for name in known} and not (key and _clients_unsure(draft, key)):
        draft.source.finding(path, what, hint=nearest(selection, known))


def _assessments(draft: Draft) -> None:
    """Each is of a client that there is."""
    known = {name.casefold() for entry in draft.entries for name in (entry.client.name, *entry.client.formerly)}
    source = draft.others.get("assessments_file")
    if source is None or _clients_unsure(draft, "name"):
        return
    for number, row in enumerate(source.raw):
        if row.get("client", "").casefold() not in known:
            hint = nearest(row.get("client"), [entry.client.name for entry in draft.entries])
            source.finding((number, "client"), "is no client's name", hint=hint)


def _clients_unsure(draft: Draft, key: str) -> bool:
    """Whether some client's `key` could not be read, so that nothing can be said to be missing among them."""
    file = draft.others.get("clients_file")
    if (file is not None and file.problems) or draft.source.is_broken(("clients_file",)):
        return True
    array = draft.source.raw.get("clients", [])
    return not isinstance(array, list) or any(
        draft.source.is_broken(("clients", number, key)) for number in range(len(array))
    )


def _recipients(draft: Draft, path: KeyPath, recipients: tuple[str, ...], *, managers: bool) -> None:
    for number, recipient in enumerate(recipients):
        place = (*path, number)
        if recipient == "manager" and not managers:
            draft.source.finding(place, 'allowed: "email:…" or "slack:…"')
        elif recipient.startswith("email:") and not _is_inside(draft, recipient.removeprefix("email:")):
            what = "is no address of the company; add it to email.outside if it shall receive figures"
            draft.source.finding(place, what, rests_on=_OURS)


def _managers(draft: Draft) -> None:
    """A digest that goes to each manager must not leave the company unasked."""
    for entry in draft.entries:
        manager = entry.client.manager
        place = (*entry.path, "manager")
        if manager is None or _is_inside(draft, manager) or any(draft.source.is_broken(key) for key in _OURS):
            continue
        what = "is no address of the company, and a digest goes to managers; else add it to email.outside"
        entry.source.finding(place, what)


def _is_inside(draft: Draft, address: str) -> bool:
    return draft.company is None or is_inside(address, draft.company, draft.plain.get("email"))


def is_inside(address: str, company: tables.CompanyTable, email: tables.EmailTable | None) -> bool:
    """Whether figures may be sent to an address: the company's own, or one listed in `email.outside`."""
    if email is not None and address in email.outside:
        return True
    person = normalise_address(address)
    if person in {normalise_address(known) for known in company.addresses}:
        return True
    return any(domain in company.domains for domain in _parents(address.rpartition("@")[2]))


def _parents(domain: str) -> Iterator[str]:
    """The domain itself and those above it."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]
