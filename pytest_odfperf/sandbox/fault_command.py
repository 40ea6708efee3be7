"""``python -m pytest_odfperf.sandbox ceph-fault``: disturb the Ceph of a sandbox that lives."""

from __future__ import annotations

import argparse
import base64
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from pytest_odfperf.errors import ClusterError, InputError, OdfError, one_line
from pytest_odfperf.sandbox.config.ceph_faults import FAULTS, read_fault

_DEADLINE_S = 90.0
_FAILED = 1
_BAD_INPUT = 4


def _arguments(arguments: list[str]) -> argparse.Namespace:
    kinds = "\n".join(f"  {kind:<11}{of.upper():<8}{what}" for kind, (of, what) in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m pytest_odfperf.sandbox ceph-fault",
        description=f"Disturb the Ceph of a sandbox that lives.\n\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = os.environ.get("KUBECONFIG")
    parser.add_argument(
        "--kubeconfig", type=Path, required=not usual, default=usual, metavar="FILE", help="of the sandbox"
    )
    parser.add_argument("kind", choices=tuple(FAULTS), metavar="KIND", help="one of those above")
    parser.add_argument("of", nargs="?", metavar="DAEMON|POOL|RATIO", help="what it is done to")
    parser.add_argument("--seconds", type=int, metavar="N", help="how long noise lasts (60)")
    parser.add_argument("--writers", type=int, metavar="N", help="writes of noise at a time (16)")
    parser.add_argument("--block", metavar="SIZE", help="size of each write of noise (4096)")
    return parser.parse_args(arguments)


def fault_command(arguments: list[str]) -> int:
    """Print what was done; the exit code."""
    options = _arguments(arguments)
    try:
        fault = _fault(options)
        read_fault(fault)
        sys.stdout.write(f"{_post(options.kubeconfig, fault)}\n")
    except OdfError as error:
        sys.stderr.write(f"{error}\n")
        return _BAD_INPUT if isinstance(error, InputError) else _FAILED
    return 0


def _fault(options: argparse.Namespace) -> dict[str, Any]:
    of = FAULTS[options.kind][0]
    if bool(of) != (options.of is not None):
        raise InputError(f"takes {f'a {of}' if of else 'nothing'}", place=f"ceph-fault {options.kind}")
    fault: dict[str, Any] = {"kind": options.kind}
    if of:
        fault[of] = _number(options.of) if of == "ratio" else options.of
    for name in ("seconds", "writers", "block"):
        if (value := getattr(options, name)) is not None:
            fault[name] = value
    return fault


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r:.60} is not a number", place="ceph-fault.ratio") from None


def _post(kubeconfig: Path, fault: dict[str, Any]) -> str:
    url, token, context = _sandbox(kubeconfig)
    request = urllib.request.Request(  # noqa: S310 - the address of the sandbox's own kubeconfig
        f"{url}/sandbox/ceph-fault",
        data=json.dumps(fault).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_DEADLINE_S, context=context) as answer:  # noqa: S310
            return one_line(str(json.load(answer)["done"]))
    except urllib.error.HTTPError as error:
        said = _message(error.read())
        raise (InputError(said) if error.code == 400 else ClusterError(said)) from error
    except (OSError, ValueError, KeyError) as error:
        raise ClusterError(f"the sandbox of {kubeconfig} does not answer: {error}") from error


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")


def _sandbox(kubeconfig: Path) -> tuple[str, str, ssl.SSLContext]:
    """Address, token, and whom to trust. Raises `InputError`."""
    try:
        document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        url, token = str(cluster["server"]), str(user["token"])
        context = ssl.create_default_context(cadata=authority)
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"is no kubeconfig of a sandbox: {error}", place=str(kubeconfig)) from error
    if not url.startswith("https://127.0.0.1:"):
        raise InputError(f"{url} is no sandbox on this machine", place=str(kubeconfig))
    return url, token, context
