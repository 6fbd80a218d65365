"""The settings of a showcase: those of the product, and nothing of the environment."""

from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from keyturn.cli.showcase.directory import LOOPBACK
from keyturn.settings import Settings


class OwnSettings(Settings):
    """Settings that only the one who makes them has a say in."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but what is given here."""
        return (init_settings,)


def settings_in(directory: Path, host: str, port: int) -> Settings:
    """Return the settings of a showcase in a directory, served at an address."""
    return OwnSettings.model_validate(
        {
            "data_dir": directory,
            "host": host,
            "port": port,
            "public_url": f"http://{LOOPBACK}:{port}",
            "allow_private_addresses": True,
            "delivery_dir": directory / "delivered",
            "log_file": directory / "keyturn.log",
        }
    )
