"""The settings that this server runs with."""

from fastapi import APIRouter

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.services import settings
from keyturn.wire import settings as wire

router = APIRouter(prefix="/api/v1/settings", tags=["Settings"])


@router.get("")
async def list_settings(world: TheWorld, caller: TheCaller) -> wire.SettingsAnswer:
    """List every setting in force; what is secret is masked."""
    found = await settings.list_settings(world, caller)
    return wire.SettingsAnswer(
        settings=tuple(
            wire.Setting(variable=one.variable, value=one.value, meaning=one.meaning)
            for one in found
        )
    )
