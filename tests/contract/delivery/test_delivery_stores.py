"""Vault, Kubernetes and GitHub, each with its own way of writing and of showing what it has."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace

import httpx2
import pytest
from delivery_kit import errand
from stores_kit import TOKEN, GithubStore, Json, KubernetesStore, Store, VaultStore

from keyturn.adapters.delivery import KindCarriers
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import DestinationAway, DestinationRefused, Fenced, InvalidInput
from keyturn.services.ports import Errand

URL = "https://store.example.com"
VALUES = {"A": "canary-one", "B": "canary-two"}
SETTINGS: Mapping[Kind, Mapping[str, str]] = {
    Kind.VAULT: {"url": URL, "path": "app/web"},
    Kind.KUBERNETES: {"url": URL, "namespace": "web", "secret": "app"},
    Kind.GITHUB: {"url": URL, "repository": "o/r"},
}
KINDS = [
    pytest.param(Kind.VAULT, VaultStore, id="vault"),
    pytest.param(Kind.KUBERNETES, KubernetesStore, id="kubernetes"),
    pytest.param(Kind.GITHUB, GithubStore, id="github"),
]


def to(kind: Kind, token: str = TOKEN, **values: str) -> Errand:
    """Return an errand to a store."""
    given = values or ({"A": VALUES["A"]} if kind is Kind.GITHUB else VALUES)
    return errand(SETTINGS[kind], {"token": token}, given)


def values_of(store: Store) -> dict[str, str]:
    """Return what a store has."""
    if isinstance(store, VaultStore):
        return {name: str(value) for name, value in (store.versions[-1] or {}).items()}
    if isinstance(store, KubernetesStore):
        data = store.secrets["app"]["data"]
        assert isinstance(data, dict)
        return {name: b64decode(value).decode() for name, value in data.items()}
    assert isinstance(store, GithubStore)
    return {path.rpartition("/")[2]: store.value(path) for path in store.sealed}


@pytest.mark.parametrize(("kind", "make"), KINDS)
async def test_values_arrive(kind: Kind, make: type[Store]) -> None:
    """What is brought is there, and the store shows something of it that is no value."""
    store = make()
    shown = await store.deliver(kind, to(kind))
    assert values_of(store).items() <= VALUES.items()
    assert values_of(store)["A"] == "canary-one"
    assert shown
    assert "canary" not in shown


@pytest.mark.parametrize(("kind", "make"), KINDS)
async def test_a_lost_answer_does_no_harm(kind: Kind, make: type[Store]) -> None:
    """The write happened; the next try finds that out, or writes the same again."""
    store = make(lost=True)
    with pytest.raises(DestinationAway, match="No answer"):
        await store.deliver(kind, to(kind))
    await store.deliver(kind, to(kind))
    assert values_of(store)["A"] == "canary-one"
    if isinstance(store, VaultStore):
        assert len(store.versions) == 1


@pytest.mark.parametrize(("kind", "make"), KINDS)
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_fault_of_theirs_may_pass(kind: Kind, make: type[Store], status: int) -> None:
    """It is tried again, and nothing of their answer is told."""
    store = make()
    store.faults.append(httpx2.Response(status, text="canary"))
    with pytest.raises(DestinationAway, match=f"HTTP {status}") as told:
        await store.deliver(kind, to(kind))
    assert "canary" not in told.value.message


@pytest.mark.parametrize(("kind", "make"), KINDS)
async def test_too_many_requests_are_waited_out(kind: Kind, make: type[Store]) -> None:
    """What the store asks for is told on, also where it comes with the write."""
    for requests in range(2):
        store = make()
        store.faults.extend([None] * requests)
        store.faults.append(httpx2.Response(429, headers={"retry-after": "77"}))
        with pytest.raises(DestinationAway) as told:
            await store.deliver(kind, to(kind))
        assert told.value.retry_after_s == 77


@pytest.mark.parametrize(("kind", "make"), KINDS)
async def test_a_refused_credential_needs_somebody(kind: Kind, make: type[Store]) -> None:
    """The error says whose business it is, and shows neither credential nor answer."""
    with pytest.raises(DestinationRefused, match="administrator") as told:
        await make().deliver(kind, to(kind, token="canary-wrong"))
    assert "canary" not in told.value.message


@pytest.mark.parametrize(
    ("kind", "make"), [each for each in KINDS if each.values[0] is not Kind.GITHUB]
)
async def test_what_is_there_already_is_not_written_again(kind: Kind, make: type[Store]) -> None:
    """A store that shows its values is read first."""
    store = make()
    await store.deliver(kind, to(kind))
    store.asked.clear()
    await store.deliver(kind, to(kind))
    assert [line.split()[0] for line in store.asked] == ["GET"]


@pytest.mark.parametrize(("kind", "make"), KINDS)
async def test_who_no_longer_holds_it_writes_nothing(kind: Kind, make: type[Store]) -> None:
    """The lease is looked at right before the write, after all that was read."""

    def lost() -> None:
        raise Fenced

    store = make()
    with pytest.raises(Fenced):
        await store.deliver(kind, replace(to(kind), still_held=lost))
    assert {line.split()[0] for line in store.asked} == {"GET"}


async def test_vault_keeps_the_keys_of_others() -> None:
    """Only our keys change, also where the latest version was deleted."""
    store = VaultStore(versions=[{"THEIRS": "x", "N": 1}])
    await store.deliver(Kind.VAULT, to(Kind.VAULT))
    assert store.versions[-1] == {"THEIRS": "x", "N": 1, **VALUES}
    store.versions.append(None)
    await store.deliver(Kind.VAULT, to(Kind.VAULT, A="three"))
    assert store.versions[-1] == {"A": "three"}


async def test_vault_refuses_who_was_not_quick_enough() -> None:
    """A write on what is not the latest any more is tried again, and overwrites nobody."""
    store = VaultStore()
    store.meanwhile = lambda: store.versions.append({"THEIRS": "y"})
    with pytest.raises(DestinationAway, match="at the same time"):
        await store.deliver(Kind.VAULT, to(Kind.VAULT))
    store.meanwhile = lambda: None
    await store.deliver(Kind.VAULT, to(Kind.VAULT))
    assert store.versions[-1] == {"THEIRS": "y", **VALUES}


async def test_kubernetes_keeps_the_keys_of_others() -> None:
    """A Secret that is there is patched, and keeps what others have put into it."""
    store = KubernetesStore()
    theirs = b64encode(b"x").decode()
    store.put("app", {"THEIRS": theirs})
    shown = await store.deliver(Kind.KUBERNETES, to(Kind.KUBERNETES))
    assert values_of(store) == {"THEIRS": "x", **VALUES}
    assert shown == "resource version 43"


@pytest.mark.parametrize("there", [False, True])
async def test_kubernetes_refuses_who_was_not_quick_enough(*, there: bool) -> None:
    """Somebody who creates or patches the Secret meanwhile is not overwritten blindly."""
    store = KubernetesStore()
    if there:
        store.put("app", {})
    store.meanwhile = lambda: store.put("app", {"THEIRS": ""})
    with pytest.raises(DestinationAway, match="at the same time"):
        await store.deliver(Kind.KUBERNETES, to(Kind.KUBERNETES))


@pytest.mark.parametrize("kind", [Kind.VAULT, Kind.KUBERNETES])
async def test_a_value_that_reads_back_otherwise_is_no_confirmation(kind: Kind) -> None:
    """A store that shows something else is brought the value again, and is never believed."""

    def forgetful(request: httpx2.Request) -> httpx2.Response:
        kept: Json = {"data": {"A": "b2xk"}, "metadata": {"resourceVersion": "1"}}
        if kind is Kind.VAULT:
            kept = {"data": {"data": {"A": "old"}, "metadata": {"version": 1}}}
        return httpx2.Response(200, json=kept)

    carriers = KindCarriers(lambda ca: httpx2.MockTransport(forgetful))
    with pytest.raises(DestinationAway, match="does not show what was written"):
        await carriers.deliver(kind, to(kind))


@pytest.mark.parametrize("changed_at", ["2026-11-21T11:00:00Z", "", "never", "2026-11-21"])
async def test_github_has_to_show_that_it_changed(changed_at: str) -> None:
    """By GitHub's own clock the change is not older than the write."""
    store = GithubStore(changed_at=changed_at)
    with pytest.raises(DestinationAway, match="does not show"):
        await store.deliver(Kind.GITHUB, to(Kind.GITHUB))


async def test_github_knows_environments() -> None:
    """Their names may hold what a path may not."""
    store = GithubStore()
    settings = SETTINGS[Kind.GITHUB] | {"environment": "Prod EU"}  # type: ignore[operator]  # a dict
    await store.deliver(Kind.GITHUB, errand(settings, {"token": TOKEN}, {"A": "one"}))
    assert list(store.sealed) == ["/repos/o/r/environments/Prod%20EU/secrets/A"]


@pytest.mark.parametrize(
    ("headers", "waits_s"),
    [
        ({"retry-after": "30"}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795262460"}, 60),
        ({"x-ratelimit-remaining": "0"}, 60),
    ],
)
async def test_githubs_rate_limit_is_no_refusal(headers: dict[str, str], waits_s: int) -> None:
    """It is answered by 403, and passes."""
    store = GithubStore()
    store.faults.append(httpx2.Response(403, headers=headers))
    with pytest.raises(DestinationAway, match="rate limit") as told:
        await store.deliver(Kind.GITHUB, to(Kind.GITHUB))
    assert told.value.retry_after_s == waits_s


async def test_a_public_key_that_is_none_is_not_used() -> None:
    """Nothing is sealed for what came from somewhere else."""
    store = GithubStore()
    store.faults.append(httpx2.Response(200, json={"key_id": "k", "key": "AAAA"}))
    with pytest.raises(DestinationAway, match="public key"):
        await store.deliver(Kind.GITHUB, to(Kind.GITHUB))


def test_certificates_that_are_none_are_refused() -> None:
    """A private authority is looked at when it is given."""
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    carriers = KindCarriers(lambda ca: httpx2.MockTransport(VaultStore()))
    with pytest.raises(InvalidInput, match="certificates in PEM"):
        carriers.check(Kind.KUBERNETES, {"url": URL, "ca": pem})


async def test_an_answer_without_end_is_not_read() -> None:
    """What a store sends is bounded."""
    store = VaultStore()
    store.faults.append(httpx2.Response(200, content=bytes(5 * 1024 * 1024)))
    with pytest.raises(DestinationAway, match="Too much"):
        await store.deliver(Kind.VAULT, to(Kind.VAULT))
