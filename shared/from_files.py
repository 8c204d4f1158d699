"""Settings from files: where GRIDDISPATCH_<NAME>_FILE names a file, its content is the value of GRIDDISPATCH_<NAME>."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.start_faults import StartRefused

SUFFIX: Final = "_FILE"


def read_setting(environment: Mapping[str, str], name: str) -> str | None:
    """A setting from the environment or from the file it names; None where neither is given.

    Raises ValueError when both are given, or when the file cannot be read. A final line end is not part of the value.
    """
    place = environment.get(f"{name}{SUFFIX}")
    if not place:
        return environment.get(name)
    if environment.get(name):
        raise ValueError(f"{name} and {name}{SUFFIX} are both set: keep one")
    try:
        return Path(place).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}{SUFFIX}: {place} cannot be read: {type(error).__name__}") from None


class FilesSource(PydanticBaseSettingsSource):
    """Gives a settings class what stands in the files that the environment names."""

    def __init__(self, settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings)
        self._environment = environment
        self._prefix = str(settings.model_config.get("env_prefix", ""))

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """One field's value, None where no file is named for it."""
        name = f"{self._prefix}{field_name.upper()}"
        value = read_setting(self._environment, name) if self._environment.get(f"{name}{SUFFIX}") else None
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Every field that a file is named for. Raises StartRefused with everything that `read_setting` refuses."""
        found, faults = {}, []
        for name, field in self.settings_cls.model_fields.items():
            try:
                found[name] = self.get_field_value(field, name)[0]
            except ValueError as error:
                faults.append(str(error))
        if faults:
            raise StartRefused(faults)
        return {name: value for name, value in found.items() if value is not None}


class FiledSettings(BaseSettings):
    """Settings from arguments, then files named in the environment, then the environment, then `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="GRIDDISPATCH_", env_file=".env", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """The order in which a setting is looked for."""
        return init_settings, FilesSource(settings_cls, os.environ), env_settings, dotenv_settings
