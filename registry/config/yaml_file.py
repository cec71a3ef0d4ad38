"""Read YAML into a typed model, and report each mistake with file, line and key.

Scalars reach the model as written: pydantic reads "1.0" as an exact decimal, and a laboratory code such as `NO` or
`1e3` stays text. registry/config/study.py and registry/config/site.py define the keys.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from registry.errors import UserError

_MOST_NODES = 1_000_000
_NULL_TAG = "tag:yaml.org,2002:null"
_PLAIN_WORDS = {
    "bool_parsing": "write true or false",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "decimal_parsing": "write a number with a decimal point",
    "decimal_type": "write a number with a decimal point",
    "dict_type": "write one `key: value` a line below it",
    "model_type": "write one `key: value` a line below it",
    "list_type": "write a list, one `- value` a line",
    "tuple_type": "write a list, one `- value` a line",
    "string_type": "write a value",
    "missing": "is required",
    "too_short": "is empty; write one `key: value` a line below it",
}


class MistakeAt(ValueError):
    """A mistake that a model finds below its own key; `place`: the keys that lead there."""

    def __init__(self, place: tuple[int | str, ...], message: str) -> None:
        super().__init__(message)
        self.place = place


class YamlModel(BaseModel):
    """Base of all YAML models: unknown keys are errors, a blank key keeps its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _blank_is_default(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        return data


Model = TypeVar("Model", bound=YamlModel)


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` with the most similar known name, else the list of names if it is short."""
    names = list(known)
    folded = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name, names, n=1) or [
        folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=1)
    ]
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(sorted(names))}" if 0 < len(names) <= 20 else ""


def one_of(name: str, known: Iterable[str], what: str) -> str:
    """Return `name` if it is known. Raises ValueError with the nearest name otherwise."""
    names = set(known)
    if name not in names:
        raise ValueError(f"unknown {what} '{name}'{nearest(name, names)}")
    return name


def load_model(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into `model`. An empty file gives the defaults.

    Raises UserError with path, line and key of anything unreadable, unknown, written twice or invalid.
    """
    root = _compose(path)
    try:
        if root is not None and _size(root, {}) > _MOST_NODES:
            raise UserError(f"{path}: its aliases expand too much; write the values out")
        data = {} if root is None else _value(path, root)
    except RecursionError:
        raise UserError(f"{path}: an alias refers to itself; write the values out") from None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UserError(f"{path}: write one `key: value` a line")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise UserError(_explain(path, root, model, error)) from None


def mistake_in(path: Path, keys: tuple[str, ...], message: str) -> UserError:
    """The error for a mistake below these keys, in a file that has been read."""
    return UserError(f"{path}, line {_line(_compose(path), keys)}: {'.'.join(keys)}: {message}")


def _compose(path: Path) -> yaml.Node | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: save it as UTF-8") from None
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise UserError(f"{path}: not valid YAML: it contains a character that YAML forbids") from None


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the nodes below this one, with aliases expanded. Raises RecursionError if one refers to itself."""
    if id(node) not in known:
        items = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        nested = items if isinstance(node, yaml.CollectionNode) else ()
        known[id(node)] = 1 + sum(_size(item, known) for item in nested)
    return known[id(node)]


def _value(path: Path, node: yaml.Node) -> Any:
    """The node as dict, list, text or None. Raises UserError for a key that is written twice or is not plain text."""
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise UserError(f"{path}, line {line}: a key must be plain text; quote it")
            if key_node.value in mapping:
                raise UserError(f"{path}, line {line}: '{key_node.value}' is written twice")
            mapping[key_node.value] = _value(path, value_node)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, item) for item in node.value]
    return None if node.tag == _NULL_TAG else node.value


def _explain(path: Path, root: yaml.Node | None, model: type[YamlModel], error: ValidationError) -> str:
    """One line with the first mistake in the file, and the number of the others.

    A missing key comes last: usually it is there with a typo, which is a mistake by itself.
    """
    found = sorted(error.errors(), key=lambda e: (e["type"] == "missing", _line(root, _place(e))))
    details = found[0]
    line = _line(root, _place(details))
    key = ".".join(str(part) for part in _keys(details) if part != "[key]")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    where = f"{path}, line {line}: " + (f"{key}: " if key else "")
    return where + _reason(model, details) + more


def _keys(details: ErrorDetails) -> tuple[int | str, ...]:
    """The keys that lead to the mistake."""
    error = details.get("ctx", {}).get("error")
    return (*details["loc"], *error.place) if isinstance(error, MistakeAt) else details["loc"]


def _place(details: ErrorDetails) -> tuple[int | str, ...]:
    """The place of the mistake; a model's message about several keys belongs to the one it names first."""
    keys = _keys(details)
    if details["type"] == "value_error" and keys == details["loc"]:
        return (*keys, str(details["ctx"]["error"]).split()[0])
    return keys


def _reason(model: type[YamlModel], details: ErrorDetails) -> str:
    kind = details["type"]
    if kind == "extra_forbidden":
        return "unknown key" + nearest(str(details["loc"][-1]), _fields_at(model, details["loc"]))
    if kind == "value_error":
        return str(details["ctx"]["error"])
    if kind == "literal_error":
        return f"must be {details['ctx']['expected']}"
    return _PLAIN_WORDS.get(kind, details["msg"].replace("Input should", "should"))


def _fields_at(model: type[YamlModel], loc: tuple[int | str, ...]) -> list[str]:
    """The known keys at the place of the last part of `loc`."""
    for part in loc[:-1]:
        field = model.model_fields.get(str(part))
        if field is not None:
            inner = field.annotation
            candidates = (inner, *getattr(inner, "__args__", ()))
            model = next((c for c in candidates if isinstance(c, type) and issubclass(c, YamlModel)), model)
    return list(model.model_fields)


def _line(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line (1 = first) of the key or item at `loc`, or of the nearest enclosing one."""
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
