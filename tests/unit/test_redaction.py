"""Secrets are taken out of texts, and nothing else is."""

from __future__ import annotations

import ast
import base64
import pprint
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf import redaction
from pytest_odfperf.guest import answers
from pytest_odfperf.guest.ssh_keys import new_key_pair
from pytest_odfperf.redaction import HIDDEN, Hidden, redact
from pytest_odfperf.run.plan import Plan

LETTERS = string.ascii_letters + string.digits
SECRET = st.text(LETTERS, min_size=20, max_size=60)
AROUND = st.sampled_from(["", "a b", "list pods: 403 Forbidden", "x: y, z\n"])


@pytest.mark.parametrize(
    "form",
    [
        "Authorization: Bearer {}",
        "{{'Authorization': 'Bearer {}'}}",
        "used = 'Bearer {}'",
        '"token": "{}"',
        "token: {}",
        "id-token={}",
        "users: [{{user: {{token: {}}}}}]",
        "https://me:{}@api.example.com:6443",
        "client-key-data: {}",
        "password = '{}'",
    ],
)
@given(secret=SECRET, before=AROUND, after=AROUND)
def test_a_secret_is_hidden_wherever_it_stands(form: str, secret: str, before: str, after: str) -> None:
    shown = redact(f"{before}\n{form.format(secret)}\n{after}")
    assert secret not in shown
    assert HIDDEN in shown
    assert shown.startswith(before)
    assert shown.endswith(after)


def messages() -> list[str]:
    """All texts of the package that a message can be made of, with a word in each gap."""
    found = []
    own = Path(redaction.__file__)
    for path in (path for path in sorted(own.parent.rglob("*.py")) if path != own):
        tree = ast.parse(path.read_text())
        joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        inside = {id(part) for node in joined for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "job" for part in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                found.append(node.value)
    return found


def test_no_message_of_ours_is_taken_for_a_secret() -> None:
    """A word of ours before a colon, such as a code of the guest's script, can look like a secret's name."""
    texts = messages()
    assert len(texts) > 3000
    texts += [f"guest vm-1: {code}: job 5 was never started" for code in answers._REASONS]
    changed = [text for text in texts if redact(text) != text and not _is_meant(text)]
    assert changed == []


def _is_meant(text: str) -> bool:
    """Headers and logins that are sent."""
    return text.startswith(("Bearer ", "Basic ", "-----BEGIN", "#cloud-config")) or "PRIVATE" in text


def test_a_key_is_hidden_in_every_form() -> None:
    pem = new_key_pair().private.reveal()
    body = pem.splitlines()[1]
    data = base64.b64encode(f"#cloud-config\n{pem}".encode()).decode()
    encoded = base64.b64encode(pem.encode()).decode()
    printed = pprint.pformat({"key": pem, "header": "Bearer " + body}, width=30)
    assert "'PRIVATE KEY" in printed
    assert not {line for line in pem.splitlines()[1:-1] if line in redact(printed)}
    for text in (pem, repr(pem), pem[:120], repr(pem)[:80] + "..." + repr(pem)[-60:], body, data, encoded):
        shown = redact(f"x = {text}")
        assert shown.startswith(f"x = {HIDDEN}") or shown.startswith(f"x = '{HIDDEN}")
        assert body[20:50] not in shown
        assert data[20:60] not in shown
        assert encoded[10:60] not in shown
    assert redact(f"{pem}after") == f"{HIDDEN}\nafter"


def test_openshifts_tokens_and_jwts_are_hidden() -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"
    assert redact(f"refused sha256~abcDEF123456_x-9 and {jwt}.") == f"refused {HIDDEN} and {HIDDEN}."


@pytest.mark.parametrize(
    "text",
    [
        "the token has expired or is wrong",
        "basic authentication is off, bearer token expected",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7 pytest-odfperf",
        "https://api.example.com:6443/api/v1/namespaces/x",
        'secrets is forbidden: User "x" cannot list resource "secrets" in API group ""',
        "rep3:small:10Gi:1:random-rw:4k",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_hidden_text_shows_itself_only_when_asked() -> None:
    hidden = Hidden("abc")
    assert f"{hidden} {hidden!r} {[hidden]}" == f"{HIDDEN} {HIDDEN} [{HIDDEN}]"
    assert hidden.reveal() == "abc"
    assert hidden == Hidden("abc") != Hidden("abd")
    with pytest.raises(TypeError):
        vars(hidden)


def test_a_plan_travels_with_its_key_and_does_not_show_it() -> None:
    pair = new_key_pair()
    plan = Plan(
        run_id="r", run_dir="", checkpoint_dir="", matrix_json={}, selected=(), definitions={}, done={},
        pool_problems={}, pool_notes={}, estimates_s={}, kubeconfig=None, owner={}, volume_modes={},
        marking=None, client_key_private=pair.private, client_key_public=pair.public,
    )  # fmt: skip
    assert "PRIVATE KEY" not in f"{plan} {plan!r} {pair} {pair!r}"
    assert Plan.from_json(plan.to_json()) == plan
