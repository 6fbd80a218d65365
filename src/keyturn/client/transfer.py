"""Bring secrets with their folders into a project: first what would change, then the change.

What is there and other is left unless it is to be overwritten; what a rotation keeps is left in any
case. Of one folder, the secrets are written in one request, up to the most that one may carry.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from keyturn.client.api import KeyturnApi, Place
from keyturn.client.importing import ImportPlan, plan_import, write_import
from keyturn.client.tree import Branch, Label, Spot, Tree
from keyturn.wire.projects import CreateEnvironment

ROOT = "/"


@dataclass(frozen=True)
class BranchPlan:
    """What would change in one folder; ``left_out`` says of names why they are not brought."""

    environment: str
    path: str
    is_new: bool
    secrets: ImportPlan
    imports: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TreePlan:
    """What would change in a project: environments and tags to be created, and every folder."""

    environments: tuple[str, ...]
    tags: tuple[str, ...]
    folders: tuple[BranchPlan, ...]


@dataclass(frozen=True)
class _There:
    """What a project has already."""

    spots: frozenset[Spot]
    tag_ids: Mapping[str, str]
    environments: frozenset[str]


async def plan_transfer(api: KeyturnApi, project: str, tree: Tree) -> TreePlan:
    """Compare what is to be brought with what a project has. Raises ClientError."""
    there = await _look(api, project, tree)
    coming = there.spots | {each.spot for each in tree.branches}
    return TreePlan(
        environments=tuple(slug for slug in tree.environments if slug not in there.environments),
        tags=tuple(each.slug for each in _labels(tree) if each.slug not in there.tag_ids),
        folders=tuple(
            [await _plan_branch(api, project, each, there, coming) for each in tree.branches]
        ),
    )


async def transfer(
    api: KeyturnApi, project: str, tree: Tree, plan: TreePlan, *, overwrite: bool
) -> int:
    """Do what a plan says, folders first and imports last; return how many secrets were written.

    Doing it again goes on where it ended. Raises ClientError.
    """
    await _make_room(api, project, tree, plan)
    tag_ids = {each.slug: each.id for each in await api.list_tags(project)}
    pairs, written = list(zip(tree.branches, plan.folders, strict=True)), 0
    for branch, each in pairs:
        names = frozenset(each.secrets.to_write(overwrite=overwrite))
        items = [item for item in branch.items if item.name in names]
        place = Place(project, each.environment, each.path)
        await write_import(api, place, items, overwrite=overwrite, tag_ids=tag_ids)
        written += len(items)
    for branch, each in pairs:
        for source in branch.imports:
            if str(source) in each.imports:
                await api.create_import(project, branch.spot, source)
    return written


async def _make_room(api: KeyturnApi, project: str, tree: Tree, plan: TreePlan) -> None:
    for slug in plan.environments:
        body = CreateEnvironment(name=tree.environments[slug], slug=slug)
        await api.create_environment(project, body)
    for each in plan.folders:
        if each.is_new and each.path != ROOT:
            await api.create_folder(project, Spot(each.environment, each.path))
    for label in _labels(tree):
        if label.slug in plan.tags:
            await api.create_tag(project, label)


async def _look(api: KeyturnApi, project: str, tree: Tree) -> _There:
    environments = frozenset(each.slug for each in (await api.read_project(project)).environments)
    spots = {Spot(slug) for slug in environments}
    for slug in sorted(environments & _environments(tree)):
        spots |= {Spot(slug, each.path) for each in await api.list_folders(project, slug)}
    tags = {each.slug: each.id for each in await api.list_tags(project)}
    return _There(frozenset(spots), tags, environments)


async def _plan_branch(
    api: KeyturnApi, project: str, branch: Branch, there: _There, coming: Iterable[Spot]
) -> BranchPlan:
    spot, is_new = branch.spot, branch.spot not in there.spots
    if is_new:
        secrets, imported = plan_import((), branch.items), frozenset[Spot]()
    else:
        place = Place(project, spot.environment, spot.path)
        found = await api.list_secrets(place, values=True, expanded=False)
        secrets = plan_import(found, branch.items)
        listed = await api.list_imports(project, spot)
        imported = frozenset(Spot(each.import_env.slug, each.import_path) for each in listed)
    wanted = [each for each in branch.imports if each not in imported]
    leading = {f"import of {each}": "leads to nothing" for each in wanted if each not in coming}
    return BranchPlan(
        spot.environment,
        spot.path,
        is_new,
        secrets,
        imports=tuple(str(each) for each in wanted if each in coming),
        left_out={**branch.left_out, **leading},
    )


def _environments(tree: Tree) -> frozenset[str]:
    """Return the environments that the tree is in, or imports from."""
    imported = (each.environment for branch in tree.branches for each in branch.imports)
    return frozenset(tree.environments) | frozenset(imported)


def _labels(tree: Tree) -> Sequence[Label]:
    """List the tags of a tree, each once."""
    every = (
        each for branch in tree.branches for item in branch.items for each in item.labels or ()
    )
    return tuple({each.slug: each for each in every}.values())
