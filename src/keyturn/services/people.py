"""People: who may log in by an e-mail address and a password.

An address that nobody has, a wrong password and a lockout all fail alike and take as long, so that
nobody learns who has an account.
"""

from dataclasses import replace
from datetime import datetime

from keyturn.domain.access import Caller, Verb
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import NotFound, Refused, Unauthenticated
from keyturn.domain.identity import AccessToken, AuthMethod, Lockout, TokenRules
from keyturn.domain.person import (
    Password,
    checked_email,
    checked_password,
    normal_email,
    normal_password,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identities import expired_tokens, new_identity, require_identity
from keyturn.services.identity_changes import IdentityView, require_role
from keyturn.services.logins import LoggedIn, attempted, grant_token
from keyturn.services.ports import World

TOKENS = TokenRules(ttl_s=43_200, max_ttl_s=86_400)
LOCKOUT = Lockout(after=5, lasts_s=300, forgets_s=300)
WRONG = (
    "The e-mail address or the password is wrong, or there were too many wrong ones: then it takes "
    "five minutes until the right one is good again."
)
NO_HASH = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
"""The hash of nothing that anybody knows: what is compared with where there is no account."""


async def create_person(
    world: World, caller: Caller, email: str, password: Sensitive, *, role: str = ""
) -> IdentityView:
    """Create a person, who is called by the e-mail address; ``role`` is held in every project.

    Raises Forbidden, also where the role holds more than the caller does, InvalidInput, Taken.
    """
    address = checked_email(email)
    checked = checked_password(password, address)
    person = new_identity(world, address, caller.organization_id, person=True)
    members = await require_role(world, caller, person, role)
    hashed, now = await world.passwords.hash(checked), world.clock.now()
    record = Password(person.id, address, hashed, now, now, lockout=LOCKOUT)
    async with world.store.writing() as tx:
        await tx.add(person, record, *members)
    return IdentityView(person, members, [AuthMethod.PASSWORD])


async def set_password(world: World, caller: Caller, identity_id: str, password: Sensitive) -> None:
    """Set a person's password anew, as who administers; whoever was logged in by it is no longer.

    Raises Forbidden, also where the person holds more than the caller, InvalidInput, NotFound.
    """
    verb = Verb.EDIT_IDENTITIES
    person = await require_identity(world, caller, verb, identity_id, handed=True)
    async with world.store.reading() as tx:
        found = await tx.find(Password, identity_id=person.id)
    if found is None:
        raise NotFound(f"{person.name} is no person with a password.")
    await _change(world, found, checked_password(password, found.email))


async def change_own_password(
    world: World, caller: Caller, *, old: Sensitive, new: Sensitive
) -> None:
    """Change one's own password, which takes the old one; every log-in by it ends.

    Raises Refused where the old one is not it, and InvalidInput.
    """
    verb, email = "change own password", await _email_of(world, caller)
    checked = checked_password(new, email)
    proved = await _prove_own(world, caller, email, old, verb)
    await _change(world, proved, checked)
    await _record(world, caller.id, verb, email)


async def prove_again(world: World, caller: Caller, password: Sensitive) -> None:
    """Have somebody who is logged in prove by their password that it is them.

    Raises Refused where it is not theirs, with how many tries are left: wrong ones are counted with
    those of log-ins. Raises TooManyAttempts while more people log in than can be served.
    """
    verb, email = "prove again", await _email_of(world, caller)
    await _prove_own(world, caller, email, password, verb)
    await _record(world, caller.id, verb, email)


async def _email_of(world: World, caller: Caller) -> str:
    """Return somebody's e-mail address; empty for who has no password."""
    async with world.store.reading() as tx:
        found = await tx.find(Password, identity_id=caller.id)
    return found.email if found else ""


async def _prove_own(
    world: World, caller: Caller, email: str, given: Sensitive, verb: str
) -> Password:
    """Return the record of a password that is the caller's. Raises Refused, which is on record."""
    proved = await _prove(world, email, given)
    if proved is None:
        async with world.store.reading() as tx:
            found = await tx.find(Password, identity_id=caller.id)
        why = _why_not(found, world.clock.now())
        await _record(world, caller.id, verb, email, why=why)
        raise Refused(why)
    return proved


def _why_not(record: Password | None, now: datetime) -> str:
    """Tell somebody who is logged in that they did not prove it, and how many tries are left."""
    if record is None:
        return "You have no password here, so nothing was done."
    until = record.locked_until(now)
    if until:
        return (
            "There were too many wrong passwords, so nothing was done, and none is good before "
            f"{until:%H:%M:%S} UTC: give yours again then."
        )
    left = record.tries_left
    tries = f"{left} more tries are" if left > 1 else "One more try is"
    return (
        f"That is not your password, so nothing was done. {tries} left before it takes "
        f"{record.lockout.lasts_s // 60} minutes until the right one is good again, here and at "
        "the log-in."
    )


async def log_in_person(
    world: World, email: str, password: Sensitive, *, address: str = ""
) -> LoggedIn:
    """Exchange an e-mail address and a password for an access token.

    Raises Unauthenticated without telling whether there is such a person, and TooManyAttempts
    while more people log in than can be served.
    """
    subject = attempted("person", normal_email(email), address)
    proved = await _prove(world, normal_email(email), password)
    if proved is None:
        await _record(world, "nobody", "log-in", subject, why=WRONG)
        raise Unauthenticated(WRONG)
    now = world.clock.now()
    async with world.store.writing() as tx:
        stored = await tx.find(Password, identity_id=proved.identity_id)
        if stored is None or stored.hash != proved.hash:
            raise Unauthenticated(WRONG)  # it was changed, or the person deleted, just now
        await tx.remove(*await expired_tokens(tx, world, proved.identity_id))
        await tx.append_audit(Attempt(now, proved.identity_id, "log-in", subject, allowed=True))
        return await grant_token(tx, world, proved.identity_id, AuthMethod.PASSWORD, TOKENS)


async def _prove(world: World, email: str, given: Sensitive) -> Password | None:
    """Return whose password this is, or None; it takes as long either way.

    Each guess is counted before it is looked at, so that many at once are no way around the count.
    """
    now = world.clock.now()
    async with world.store.writing() as tx:
        found = await tx.find(Password, email=email)
        locked = found is None or found.locked_until(now) is not None
        if found and not locked:
            await tx.replace(found.after_failure(now))
    hashed = found.hash if found and not locked else NO_HASH
    right = await world.passwords.verify(normal_password(given), hashed)
    if not right or found is None or locked:
        return None
    async with world.store.writing() as tx:
        stored = await tx.find(Password, identity_id=found.identity_id)
        if stored is None or stored.hash != found.hash:
            return None
        await tx.replace(stored.after_success())
    return stored


async def _change(world: World, record: Password, checked: Sensitive) -> None:
    hashed, now = await world.passwords.hash(checked), world.clock.now()
    changed = replace(record.after_success(), hash=hashed, changed_at=now)
    method = AuthMethod.PASSWORD
    async with world.store.writing() as tx:
        if await tx.find(Password, identity_id=record.identity_id) is None:
            raise NotFound("This person is not there any more.")
        await tx.replace(changed)
        tokens = await tx.list(AccessToken, identity_id=record.identity_id, method=method)
        await tx.remove(*tokens)


async def _record(world: World, actor: str, verb: str, subject: str, *, why: str = "") -> None:
    now = world.clock.now()
    await world.store.append_audit(Attempt(now, actor, verb, subject, not why, why))
