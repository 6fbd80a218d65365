"""What two looks at a project tell of what has happened in between."""

from datetime import UTC, datetime

from keyturn.domain.changes import Change, Event, Served, Sight, Spot, changes, sight_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
ROOT, APP, SHARED, BASE = ("dev", "/"), ("dev", "/app"), ("dev", "/shared"), ("dev", "/base")


def served(spot: Spot, name: str, version: str = "1", at: datetime = AT) -> Served:
    """Return a secret that is served."""
    return Served(*spot, name, version, at)


def sight(*every: Served, **imports: tuple[Spot, ...]) -> Sight:
    """Return a look; imports are named by the last part of the folder's path."""
    spots = {("dev", f"/{name}"): sources for name, sources in imports.items()}
    return sight_of(1, every, spots)


def test_what_is_the_same_is_no_change() -> None:
    """Whatever the revision, two equal looks tell of nothing."""
    assert changes(sight(served(ROOT, "A")), sight(served(ROOT, "A"))) == ()


def test_secrets_come_change_and_go() -> None:
    """Each name in each folder is looked at by itself."""
    before = sight(served(ROOT, "A"), served(ROOT, "B"), served(APP, "A"))
    after = sight(served(ROOT, "A", "2"), served(APP, "A"), served(APP, "B"))
    assert set(changes(before, after)) == {
        Change(Event.UPDATED, ROOT, "A"),
        Change(Event.DELETED, ROOT, "B"),
        Change(Event.CREATED, APP, "B"),
    }


def test_what_is_said_of_a_secret_is_a_change_too() -> None:
    """A comment makes no version, and readers are given it all the same."""
    later = served(ROOT, "A", at=AT.replace(year=2027))
    (change,) = changes(sight(served(ROOT, "A")), sight(later))
    assert change.event is Event.UPDATED


def test_another_name_is_an_end_and_a_beginning() -> None:
    """Who waits for the old name hears that it is gone."""
    told = changes(sight(served(ROOT, "OLD")), sight(served(ROOT, "NEW")))
    assert [(each.event, each.name) for each in told] == [
        (Event.CREATED, "NEW"),
        (Event.DELETED, "OLD"),
    ]


def test_an_import_changes_with_its_source() -> None:
    """So does one that leads there by another folder, and none that does not."""
    imports = {"app": (SHARED,), "shared": (BASE,), "other": (APP,)}
    told = changes(sight(**imports), sight(served(BASE, "A"), **imports))
    assert {each.spot: each.sources for each in told if each.event is Event.IMPORTED} == {
        APP: {BASE},
        SHARED: {BASE},
        ("dev", "/other"): {BASE},
    }


def test_imports_that_lead_in_a_circle_come_to_an_end() -> None:
    """Each folder is told of the other, and none of itself."""
    imports = {"app": (SHARED,), "shared": (APP,)}
    told = changes(sight(**imports), sight(served(APP, "A"), **imports))
    assert [each.spot for each in told if each.event is Event.IMPORTED] == [SHARED]


def test_imports_come_go_and_change_their_order() -> None:
    """Whatever a reader is given by them may be another value now."""
    for after in ({}, {"app": (BASE, SHARED)}, {"app": (SHARED,)}):
        told = changes(sight(app=(SHARED, BASE)), sight(**after))
        assert [(each.event, each.spot) for each in told] == [(Event.IMPORTED, APP)]
        assert BASE in told[0].sources
