"""Reads a mapping of a configuration: every name once, the names that were not read are errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import to_bytes, to_millicores


class Reader:
    """One mapping, at ``place``. All reads raise `InputError`; `end` does for names that nobody read."""

    def __init__(self, raw: Any, place: str) -> None:
        if not isinstance(raw, Mapping):
            raise InputError(f"{raw!r} is not a mapping", place=place)
        self._raw = raw
        self._place = place
        self._known: list[str] = []

    def value(self, name: str, usual: Any) -> Any:
        self._known.append(name)
        value = self._raw.get(name)
        return usual if value is None else value

    def end(self) -> None:
        """Refuse names that were not asked for."""
        unknown = [str(name) for name in self._raw if name not in self._known]
        if unknown:
            known = ", ".join(sorted(self._known))
            raise InputError(f"unknown name {unknown[0]!r} (known: {known})", place=self._place)

    def _refuse(self, name: str, value: Any, wanted: str) -> InputError:
        return InputError(f"{value!r} is not {wanted}", place=f"{self._place}.{name}")

    def text(self, name: str, usual: str) -> str:
        value = self.value(name, usual)
        if not isinstance(value, str) or not value:
            raise self._refuse(name, value, "a text")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name, "-") if self._raw.get(name) is not None else self.value(name, None)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.value(name, [])
        if not isinstance(value, list) or not all(isinstance(v, str | int) for v in value):
            raise self._refuse(name, value, "a list of names")
        return tuple(str(v) for v in value)

    def integers(self, name: str) -> tuple[int, ...]:
        value = self.value(name, [])
        if not isinstance(value, list) or not all(type(v) is int for v in value):
            raise self._refuse(name, value, "a list of whole numbers")
        return tuple(value)

    def choice(self, name: str, usual: str | None, known: tuple[str | None, ...]) -> Any:
        value = self.value(name, usual)
        if value not in known:
            raise self._refuse(name, value, f"one of {', '.join(one for one in known if one)}")
        return value

    def flag(self, name: str, usual: bool) -> bool:
        value = self.value(name, usual)
        if not isinstance(value, bool):
            raise self._refuse(name, value, "true or false")
        return value

    def integer(self, name: str, usual: int, *, at_least: int) -> int:
        value = self.value(name, usual)
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise self._refuse(name, value, f"a whole number of at least {at_least}")
        return value

    def number(self, name: str, usual: float, *, above: float | None = None, negative: bool = False) -> float:
        value = self.value(name, usual)
        usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if usable and negative:
            return float(value)
        if not usable or value < 0 or (above is not None and value <= above):
            raise self._refuse(name, value, "a number above 0" if above is not None else "a number from 0")
        return float(value)

    def quantity(self, name: str, usual: Any, *, thousandths: bool = False) -> int:
        value = self.value(name, usual)
        try:
            number = to_millicores(str(value)) if thousandths else to_bytes(str(value))
        except InputError:
            raise self._refuse(name, value, "a quantity such as 4, 500m or 8Gi") from None
        if number <= 0:
            raise self._refuse(name, value, "a quantity above 0")
        return number

    def optional_quantity(self, name: str) -> int | None:
        if self.value(name, None) is None:
            return None
        return self.quantity(name, None)

    def mapping(self, name: str) -> Mapping[str, Any]:
        value = self.value(name, {})
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise self._refuse(name, value, "a mapping of names")
        return value

    def strings(self, name: str) -> Mapping[str, str]:
        value = self.mapping(name)
        if not all(isinstance(entry, str) for entry in value.values()):
            raise self._refuse(name, dict(value), "a mapping of names to texts (quote numbers)")
        return value

    def counts(self, name: str) -> Mapping[str, int]:
        found = self.mapping(name)
        if any(type(count) is not int or count < 0 for count in found.values()):
            raise self._refuse(name, dict(found), "a mapping of names to numbers from 0")
        return {str(key): count for key, count in found.items()}

    def mappings(self, name: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        """The entries of a mapping of mappings: name, mapping, place."""
        for key, value in self.mapping(name).items():
            entry = {} if value is None else value
            if not isinstance(entry, Mapping):
                raise self._refuse(f"{name}.{key}", value, "a mapping")
            yield key, entry, f"{self._place}.{name}.{key}"
