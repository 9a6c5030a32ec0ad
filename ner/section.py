"""What a table of settings is: frozen, checked, each field with what it affects."""

from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, model_validator

# What a setting affects: `result`, what is learned and found; `end`, the result too, but only by when training ends, so
# that a resumed run may change it; `record`, what is noted beside a model; `run`, nothing of the model.
Affects = Literal["result", "end", "record", "run"]


FILE: dict[str, Any] = {"path": True}  # marks a field that names a file or folder, or several


def affecting(affects: Affects, **marks: Any) -> dict[str, Any]:
    """Marks a field that affects something else than its section does."""
    return {"affects": affects, **marks}


def marks(table: type[BaseModel], name: str) -> dict[str, Any]:
    """How a field of a table is marked."""
    marked = table.model_fields[name].json_schema_extra
    return marked if isinstance(marked, dict) else {}


class Section(BaseModel):
    """A frozen table of settings that refuses unknown keys and wrong types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    affects: ClassVar[Affects] = "result"  # where a field says nothing else

    @model_validator(mode="before")
    @classmethod
    def _empty_means_unset(cls, values: Any) -> Any:
        """TOML has no null, so an empty string (`--set model.vectors=`) unsets an optional text setting."""
        if not isinstance(values, dict):
            return values
        optional = {name for name, field in cls.model_fields.items() if type(None) in get_args(field.annotation)}
        return {name: None if name in optional and value == "" else value for name, value in values.items()}
