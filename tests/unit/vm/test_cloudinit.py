from __future__ import annotations

import shlex
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.matrix.vm_patch import DATA_SERIAL
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm.cloudinit import GUEST_SCRIPT, user_data

HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(
        [
            "- x: y",
            "#cloud-config",
            "a: 'b\"",
            "--- !!python/object",
            "\t",
            "no",
            "0o7",
            "$(reboot)",
            "\r\n",
            "\x85",
        ]
    ),
)


def document(**changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "user": "cloud-user",
        "client_key_public": "ssh-ed25519 AAAA client",
        "host_key_private": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n",
        "host_key_public": "ssh-ed25519 BBBB host",
        "job": "[x]\nrw=read\n",
        "layout_bytes": 123,
    }
    given = {**options, **changes}
    hidden = user_data(**{**given, "host_key_private": Hidden(given["host_key_private"])})
    assert f"{hidden} {hidden!r}" == "<hidden> <hidden>"
    text = hidden.reveal()
    assert text.startswith("#cloud-config\n")
    assert text.isascii()
    parsed = yaml.safe_load(text)
    assert isinstance(parsed, dict)
    return parsed


def files(parsed: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {entry["path"]: entry for entry in parsed["write_files"]}


@given(job=HOSTILE, user=HOSTILE, private=HOSTILE, package=HOSTILE)
def test_whatever_is_put_in_comes_out_as_it_was(job: str, user: str, private: str, package: str) -> None:
    parsed = document(job=job, user=user, host_key_private=private, packages=[package])
    assert files(parsed)["/etc/odfperf/job.fio"]["content"] == job
    assert parsed["users"][0]["name"] == user
    assert parsed["ssh_keys"]["ed25519_private"] == private
    assert parsed["packages"] == [package]


def test_the_login_is_by_key_only_and_the_host_key_is_ours() -> None:
    parsed = document()
    (user,) = parsed["users"]
    assert user["ssh_authorized_keys"] == ["ssh-ed25519 AAAA client"]
    assert user["sudo"] == "ALL=(ALL) NOPASSWD:ALL"
    assert parsed["ssh_pwauth"] is False
    assert parsed["ssh_deletekeys"] is True
    assert parsed["ssh_keys"]["ed25519_public"] == "ssh-ed25519 BBBB host"


def test_the_guest_script_and_its_units_are_there() -> None:
    written = files(document())
    script = written[GUEST_SCRIPT]
    assert script["permissions"] == "0755"
    assert script["content"].startswith("#!/bin/sh\n")
    for unit in ("setup", "fio"):
        content = written[f"/etc/systemd/system/odfperf-{unit}.service"]["content"]
        assert f"ExecStart={GUEST_SCRIPT} {unit}\n" in content
        assert "KillMode=control-group\n" in content


def test_the_settings_are_shell_variables() -> None:
    lines = files(document(layout_bytes=4096))["/etc/odfperf/guest.conf"]["content"].splitlines()
    settings = dict(shlex.split(line)[0].split("=", 1) for line in lines)
    assert settings["LAYOUT_BYTES"] == "4096"
    assert settings["DATA_SERIAL"] == DATA_SERIAL
    assert settings["WAIT_FOR_PACKAGES"] == "0"


def test_without_packages_nothing_is_installed() -> None:
    assert "packages" not in document()


def test_the_setup_does_not_hold_up_the_boot() -> None:
    assert ["systemctl", "start", "--no-block", "odfperf-setup.service"] in document()["runcmd"]
