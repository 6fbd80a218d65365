"""Secrets from a text and to a text: what an import would change, by name, and the export."""

from typing import Final

from starlette.datastructures import UploadFile
from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.services.secret_files import export_folder, plan_file, store_file
from keyturn.web.faults import told_of
from keyturn.web.problems import status_of
from keyturn.web.proving import prove, way_of
from keyturn.web.rendering import HEADERS
from keyturn.web.routing import action, page
from keyturn.web.spots import PAGE, Spot, spot_of
from keyturn.web.visiting import Visit

READ: Final = (("dotenv", "dotenv (NAME=value)"), ("json", "JSON"), ("yaml", "YAML"))
WRITTEN: Final = (*READ, ("csv", "CSV"))
ENDINGS: Final = {"dotenv": "env", "json": "json", "yaml": "yaml", "csv": "csv"}
BY_ENDING: Final = {"env": "dotenv", "json": "json", "yaml": "yaml", "yml": "yaml"}


async def show_import(visit: Visit) -> Response:
    """Ask for a text of names with values."""
    return _import_form(visit, await _spot(visit))


async def plan(visit: Visit) -> Response:
    """Say what each name of a text is to the folder; nothing is written yet."""
    spot = await _spot(visit)
    try:
        text, form = await _given(visit)
        found = await plan_file(visit.world, visit.caller, spot.where, text, form)
    except CallerError as error:
        return _import_form(visit, spot, error)
    return visit.render("secrets/import_plan.html", spot=spot, plan=found, form=form)


async def store(visit: Visit) -> Response:
    """Write what the plan said."""
    spot = await _spot(visit)
    sealed, overwrite = visit.said("sealed"), bool(visit.said("overwrite"))
    try:
        stored = await store_file(
            visit.world, visit.caller, spot.where, sealed, overwrite=overwrite
        )
    except CallerError as error:
        return _import_form(visit, spot, error)
    count = f"{len(stored)} secrets are" if len(stored) != 1 else "1 secret is"
    return visit.redirect(spot.href(), f"{count} stored, and served from now on.")


async def show_export(visit: Visit) -> Response:
    """Ask how to write the folder down, and who it is."""
    spot, _ = await spot_of(visit)
    return await _export_form(visit, spot)


async def export(visit: Visit) -> Response:
    """Answer with what the folder gives as a file, on record as a read."""
    spot, _ = await spot_of(visit)
    form, recursive, where = visit.said("format"), bool(visit.said("recursive")), spot.where
    try:
        await prove(visit)
    except CallerError as error:
        return await _export_form(visit, spot, proof=error)
    try:
        _require(form, WRITTEN)
        written = await export_folder(visit.world, visit.caller, where, form, recursive=recursive)
    except CallerError as error:
        return await _export_form(visit, spot, error)
    name = "-".join([where.project, where.environment, *where.path.strip("/").split("/")])
    headers = {
        **HEADERS,
        "Content-Encoding": "identity",
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name.strip("-")}.{ENDINGS[form]}"',
    }
    return Response(written.text.reveal(), 200, headers, media_type="text/plain")


async def _spot(visit: Visit) -> Spot:
    """Return the folder to import into. Raises Forbidden, NotFound."""
    spot, _ = await spot_of(visit)
    spot.require(Verb.READ_SECRETS, Verb.CREATE_SECRETS)
    return spot


async def _given(visit: Visit) -> tuple[Sensitive, str]:
    """Return the text, pasted or in a file, and its format: a file's ending says its own."""
    form, file = visit.said("format"), visit.form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        text = str(visit.form.get("text", "")).replace("\r\n", "\n")
    else:
        text = _decoded(await file.read())
        form = BY_ENDING.get(file.filename.rpartition(".")[2].lower(), form)
    _require(form, READ)
    return Sensitive(text), form


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidInput(FieldProblem(("file",), "must be a text in UTF-8")) from None


def _import_form(visit: Visit, spot: Spot, error: CallerError | None = None) -> Response:
    return visit.render(
        "secrets/import.html",
        status=status_of(error) if error else 200,
        spot=spot,
        formats=READ,
        form=visit.said("format") or "dotenv",
        problems=told_of(error),
    )


async def _export_form(
    visit: Visit,
    spot: Spot,
    error: CallerError | None = None,
    *,
    proof: CallerError | None = None,
) -> Response:
    spot.require(Verb.READ_SECRETS)
    wrong = error or proof
    return visit.render(
        "secrets/export.html",
        status=status_of(wrong) if wrong else 200,
        spot=spot,
        formats=WRITTEN,
        form=visit.said("format") or "dotenv",
        recursive=bool(visit.said("recursive")),
        way=await way_of(visit),
        proof_error=proof.message if proof else "",
        problems=told_of(error),
    )


def _require(form: str, formats: tuple[tuple[str, str], ...]) -> None:
    if form not in dict(formats):
        raise InvalidInput(FieldProblem(("format",), "must be one of those in the list"))


ROUTES: Final = (
    page(f"{PAGE}/import", show_import),
    action(f"{PAGE}/import", plan),
    action(f"{PAGE}/import/store", store),
    page(f"{PAGE}/export", show_export),
    action(f"{PAGE}/export", export),
)
