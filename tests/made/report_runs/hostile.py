"""Texts that would leave their place in HTML, SVG, CSV, Markdown, XML or OpenMetrics if they were not quoted.

They are marks and nothing else: what they would do, if they did it, is to set a variable or show a word.
"""

from __future__ import annotations

#: Set in the page if a script of a hostile text ran; the class of an element that one made.
VARIABLE, CLASS = "odfMarkerRan", "odf-marker"

_ELEMENT = f'<i class="{CLASS}">'
_SCRIPT = f"<script>window.{VARIABLE}=1</script>"
_HANDLER = f'<img class="{CLASS}" src="x:" onerror="window.{VARIABLE}=1">'

#: Each is one way out of some place.
TEXTS: tuple[str, ...] = (
    _ELEMENT + "element",
    f"\"'>{_ELEMENT}attribute",
    f"</script>{_SCRIPT}",
    f"</style></title></textarea>{_HANDLER}",
    f"<!--{_ELEMENT}-->",
    f"]]>{_SCRIPT}<![CDATA[",
    f"<svg class={CLASS} onload=window.{VARIABLE}=1>",
    f"javascript:window.{VARIABLE}=1",
    f"{{{{ 7 * 7 }}}} {{% raw %}} ${{window.{VARIABLE}=1}}",
    "=1+1",
    "+1+1",
    "@SUM(1,1)",
    "-1+1",
    "\t=1+1",
    'a","b\n"c',
    "| a | b |\n|---|---|\n# heading\n- [ ] item",
    f"[link](javascript:window.{VARIABLE}=1) ![image](x:) `code` **bold** ~~gone~~",
    "&lt;b&gt; &amp;amp; &#60;",
    "first\nsecond\r\nthird",
    "\x1b[31mred\x1b[0m \x07 \x00",
    "right \u202eto left \ufeff\u200b",
    "line\u2028paragraph\u2029end",
    "\ud800 lone",
    '"} 1\n# EOF\nodfperf_marker{a="',
    '\\" \\n \\u003c',
    "%3Ci%3E ?a=b&c=d#e",
    "é ü 漢字 \U0001f600 e\u0301",
    "long " + "x" * 3000,
    "",
)

#: All of them at once, for places where only one fits.
ALL_AT_ONCE = " ".join(text for text in TEXTS if len(text) < 200)


def text_of(number: int, word: str) -> str:
    """A hostile text, and the word that says where it stood."""
    return f"{TEXTS[number % len(TEXTS)]} {word}"
