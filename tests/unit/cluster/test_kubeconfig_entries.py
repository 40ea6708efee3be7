"""Which entries of kubeconfigs hold: kubectl's rules, where the official client has others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.cluster.client.kubeconfig_check import check_entries, read_token
from pytest_odfperf.cluster.client.kubeconfig_entries import Entries, KubeconfigError, read_entries


def write(path: Path, *, current: str | None = None, **entries: dict[str, Any]) -> str:
    """A kubeconfig with ``clusters``, ``users`` and ``contexts`` by name."""
    path.parent.mkdir(exist_ok=True)
    content: dict[str, Any] = {} if current is None else {"current-context": current}
    for plural, named in entries.items():
        content[plural] = [{"name": name, plural[:-1]: one} for name, one in named.items()]
    path.write_text(yaml.safe_dump(content))
    return str(path)


def one(path: Path, user: dict[str, Any] | None = None, **cluster: Any) -> Entries:
    place = write(
        path,
        current="x",
        contexts={"x": {"cluster": "c", "user": "u"}},
        users={"u": user or {}},
        clusters={
            "c": {"server": "https://h", **{name.replace("_", "-"): at for name, at in cluster.items()}}
        },
    )
    entries = read_entries(place, None)
    assert entries is not None
    return entries


def test_of_several_files_the_first_that_has_something_wins(tmp_path: Path) -> None:
    a = write(
        tmp_path / "a" / "config",
        users={"u": {"client-certificate": "me.pem", "client-key": "/k.pem"}},
        contexts={"two": {"cluster": "c", "user": "u"}},
    )
    b = write(
        tmp_path / "b" / "config",
        current="two",
        clusters={"c": {"server": "https://b", "certificate-authority": "ca.pem"}},
        users={"u": {"token": "of b"}},
        contexts={"two": {"cluster": "gone", "user": "gone"}},
    )
    c = write(tmp_path / "c" / "config", current="three", clusters={"c": {"server": "https://c"}})
    places = os.pathsep.join([str(tmp_path / "not there"), a, "", b, c])
    entries = read_entries(places, None)
    assert entries is not None
    assert entries.context == "two"
    assert entries.cluster == {
        "server": "https://b",
        "certificate-authority": str(tmp_path / "b" / "ca.pem"),
    }
    assert entries.user == {"client-certificate": str(tmp_path / "a" / "me.pem"), "client-key": "/k.pem"}
    with pytest.raises(KubeconfigError, match="there is no context 'three'"):
        read_entries(places, "three")
    assert read_entries(str(tmp_path / "not there"), None) is None


def test_empty_fields_are_not_there_and_paths_count_from_their_file(tmp_path: Path) -> None:
    run = {"command": "./login", "apiVersion": "v1"}
    user = {"client-key-data": "", "token": None, "tokenFile": "t", "exec": run, "as-groups": []}
    entries = one(tmp_path / "config", user, certificate_authority_data="", certificate_authority="ca")
    assert entries.cluster == {"server": "https://h", "certificate-authority": str(tmp_path / "ca")}
    assert entries.user["exec"]["command"] == str(tmp_path / "login")
    assert entries.user["tokenFile"] == str(tmp_path / "t")
    assert "client-key-data" not in entries.user
    assert one(tmp_path / "config", {"exec": {"command": "login"}}).user["exec"]["command"] == "login"


@pytest.mark.parametrize(
    ("content", "user", "token"),
    [
        (b"abc\n", {}, "abc"),
        (b" \t abc\r\n\n", {}, "abc"),
        (b"abc\n", {"token": "inline"}, "abc"),
        (b"\n", {"token": "inline"}, "inline"),
        (b"\xff", {"token": "inline"}, "inline"),
        (None, {"token": "inline"}, "inline"),
    ],
)
def test_a_tokens_file_goes_before_the_token_while_it_can_be_read(
    tmp_path: Path, content: bytes | None, user: dict[str, Any], token: str
) -> None:
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    entries = one(tmp_path / "config", {**user, "tokenFile": "t"})
    assert read_token(entries.user) == token
    (plain,) = entries.plain(token)["users"]
    assert plain == {"name": "u", "user": {"token": token}}


@pytest.mark.parametrize(
    ("content", "said"),
    [(b" \n", "is empty"), (b"\xff", "is not UTF-8"), (None, "No such file")],
)
def test_a_tokens_file_that_is_the_only_way_in(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    with pytest.raises(KubeconfigError, match=f"tokenFile {tmp_path / 't'}: .*{said}"):
        read_token(one(tmp_path / "config", {"tokenFile": "t"}).user)


@pytest.mark.parametrize(
    ("user", "cluster", "said"),
    [
        ({"token": "t", "username": "u"}, {}, "token and username or password exclude each other"),
        ({"exec": {}, "auth-provider": {"name": "oidc"}}, {}, "exec and auth-provider exclude"),
        ({"client-certificate": "c"}, {}, "client-certificate without client-key"),
        ({"client-key": "k", "client-key-data": "eA=="}, {}, "client-key and client-key-data exclude"),
        ({"as": ["jane"]}, {}, "user 'u': as is not a text"),
        ({"as-groups": ["dev"]}, {}, "user 'u': as-uid, as-groups and as-user-extra say nothing without as"),
        ({}, {"insecure_skip_tls_verify": True, "certificate_authority": "c"}, "exclude each other"),
        ({}, {"certificate_authority": "c", "certificate_authority_data": "eA=="}, "exclude each other"),
        ({}, {"disable_compression": "yes"}, "disable-compression is not true or false"),
        ({}, {"proxy_url": "socks5://h:1"}, "does not begin with http"),
    ],
)
def test_what_kubectl_refuses_is_refused(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], said: str
) -> None:
    with pytest.raises(KubeconfigError, match=said) as caught:
        check_entries(one(tmp_path / "config", user, **cluster))
    assert str(caught.value).isprintable()
