"""The variables of a template, and those that fio keeps for itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_odfperf.fio.job_file.job_lines import lines
from pytest_odfperf.fio.job_file.profile_faults import Faults

#: What a template may use, and what it means.
VARIABLES = ("RUNTIME", "RAMP_TIME", "IODEPTH", "NUMJOBS", "FILE_SIZE", "BLOCK_SIZE")

#: fio's own in ``filename_format``, in any case of letters (``init.c``).
FILENAME_WORDS = ("jobname", "jobnum", "filenum", "clientuid")
#: Words that fio replaces in any option by a figure of the machine that it runs on (``options.c``).
MACHINE_WORDS = ("pagesize", "mb_memory", "ncpus")

_VARIABLE = re.compile(r"\$(?:\{([^}\n]*)\}|([A-Za-z_]*))")


def substitute(template: str, values: Mapping[str, str], source: str, faults: Faults) -> str:
    """``template`` with its variables set. Comments stay as they are, and so do fio's own variables."""
    done = []
    for line, raw in zip(lines(template, source), template.split("\n"), strict=True):
        name = line.content.partition("=")[0].strip()

        def value(found: re.Match[str], name: str = name, place: str = line.place) -> str:
            variable, word = found[1], found[2]
            if variable is not None and variable in values:
                return values[variable]
            if variable is None and _is_fios(name, word):
                return found[0]
            faults.void(_problem(variable, word), place)
            return "1"

        # A comment begins at the first of both, wherever it is.
        end = next((at for at, letter in enumerate(raw) if letter in "#;"), len(raw))
        done.append(_VARIABLE.sub(value, raw[:end]) + raw[end:])
    return "\n".join(done) if template.endswith("\n") else "\n".join(done) + "\n"


def _is_fios(option: str, word: str) -> bool:
    # The longest word that fio would find: in $jobname2 it is $jobname.
    return option == "filename_format" and word.lower().startswith(FILENAME_WORDS)


def _problem(variable: str | None, word: str) -> str:
    if variable is not None:
        return f"unknown variable {variable[:60]!r}; known: {', '.join(VARIABLES)}"
    if word.startswith(MACHINE_WORDS):
        return f"${word[:60]} is a figure of the guest, known there only; write the number"
    if word.lower().startswith(FILENAME_WORDS):
        return f"fio knows ${word[:60]} in filename_format only"
    return f"unknown variable '${word[:60]}'; ours are written as ${{RUNTIME}}; known: {', '.join(VARIABLES)}"
