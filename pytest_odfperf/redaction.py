"""Secrets that do not show: a text that hides itself, and texts from elsewhere with the secrets taken out."""

from __future__ import annotations

import base64
import re

HIDDEN = "<hidden>"

#: A word that says that a secret follows.
_NAME = r"\b((?:[a-z]+[-_])?(?:token|password|passwd|client[-_]?key[-_]?data))"
#: The secret after it, up to a white space, quote or bracket.
_VALUE = r"(\\?[\"']?\s*[:=]\s*\\?[\"']?)(?!<hidden>)[^\s\"'\\,;})\]]+"
_CHAR = r"[A-Za-z0-9._~+/=-]"
#: A pretty printer breaks long texts at white space: 'BEGIN OPENSSH ' and 'PRIVATE KEY' on the next line.
_BREAK = r"[\s'\"]"
_LOGIN = rf"\b(Bearer|Basic){_BREAK}+(?:(?=\S*[0-9]){_CHAR}{{8,}}|{_CHAR}{{16,}})"
_PEM = rf"(?:[A-Z0-9]|{_BREAK})*?PRIVATE{_BREAK}+KEY"
_KEY = rf"-----BEGIN{_BREAK}+{_PEM}.*?(?:-----END{_BREAK}+{_PEM}-----|\Z)"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # PEM: whole, with its line ends written as \n, or cut off.
    (re.compile(_KEY, re.DOTALL), HIDDEN),
    # The body of an OpenSSH key, and base64 of PEM and of cloud-init user data.
    (re.compile(r"(?:b3BlbnNzaC1rZXktdjE|LS0tLS1CRUdJTi|I2Nsb3VkLWNvbmZpZ)[A-Za-z0-9+/=_-]*"), HIDDEN),
    (re.compile(_LOGIN, re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\bsha256~[A-Za-z0-9_-]{8,}"), HIDDEN),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]+)?"), HIDDEN),
    (re.compile(_NAME + _VALUE, re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(r"(//)[^/\s@:]+:[^/\s@]+@"), rf"\1{HIDDEN}@"),
)


class Hidden:
    """A secret text. Only `reveal` gives it; ``repr``, ``str`` and a traceback's locals do not."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the library that needs it."""
        return self._text

    def packed(self) -> str:
        """The text for its way to another process, in a form that `redact` knows and no printer breaks."""
        return base64.b64encode(self._text.encode()).decode()

    @classmethod
    def unpack(cls, packed: str) -> Hidden:
        """What `packed` made."""
        return cls(base64.b64decode(packed).decode())

    def __repr__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def redact(text: str) -> str:
    """``text`` without what looks like a private key, a token, a password or user data."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text
