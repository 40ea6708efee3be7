"""What KubeVirt's webhooks say of a guest's networks, names and DNS, in their words (KubeVirt 1.9)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import Problem, Rule, sources
from pytest_odfperf.sandbox.api.rules.name_forms import SUBDOMAIN_WORDS, is_subdomain, port_name
from pytest_odfperf.sandbox.api.rules.vm_disk_rules import (
    INVALID,
    NOT_SUPPORTED,
    REQUIRED,
    is_pci_address,
    label_problems,
)

DUPLICATE = "FieldValueDuplicate"
_BINDINGS = ("bridge", "masquerade", "sriov", "passtBinding", "binding")
#: Bindings that are no more.
_DISCONTINUED = {"slirp": "Slirp interface support", "passt": "Passt network binding",
                 "macvtap": "Macvtap network binding"}  # fmt: skip
_MODELS = ("e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139", "virtio")
_MAC = re.compile(
    r"([0-9a-fA-F]{2}([:-]))([0-9a-fA-F]{2}\2){4}[0-9a-fA-F]{2}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}"
)
#: What the bridge inside of the launcher pod has.
_RESERVED_MAC = "02:00:00:00:00:00"


def _networks(spec: Any) -> Iterator[Problem]:
    networks = spec.get("networks") or []
    interfaces = [entry.get("name") for entry in _interfaces(spec)]
    pods = [network for network in networks if network.get("pod") is not None]
    defaults = [network for network in networks if (network.get("multus") or {}).get("default")]
    if len(pods) > 1:
        words = "more than one interface is connected to a pod network in {at}"
        yield Problem(DUPLICATE, words, "interfaces")
    if len(defaults) > 1:
        yield Problem(INVALID, "Multus CNI should only have one default network", "networks")
    if pods and defaults:
        words = "Pod network cannot be defined when Multus default network is defined"
        yield Problem(INVALID, words, "networks")
    seen = set()
    for number, network in enumerate(networks):
        at, name = f"networks[{number}]", network.get("name") or ""
        kinds = sources(("pod", "multus", "resourceClaim"), network)
        if len(kinds) != 1:
            yield Problem(REQUIRED, f"should have {'only one' if kinds else 'a'} network type", at)
        if network.get("multus") is not None and not network["multus"].get("networkName"):
            yield Problem(REQUIRED, "CNI delegating plugin must have a networkName", at)
        if name in seen:
            words = f'Network with name "{name}" already exists, every network must have a unique name'
            yield Problem(DUPLICATE, words, f"{at}.name")
        if name not in interfaces:
            yield Problem(REQUIRED, f"{{at}} '{name}' not found.", f"{at}.name")
        seen.add(name)


def _interfaces(spec: Any) -> list[Any]:
    return (spec.get("domain") or {}).get("devices", {}).get("interfaces") or []


def _of_interfaces(spec: Any) -> Iterator[Problem]:
    networks = {network.get("name"): network for network in spec.get("networks") or ()}
    seen = set()
    for number, interface in enumerate(_interfaces(spec)):
        at, name = f"domain.devices.interfaces[{number}]", interface.get("name") or ""
        pod = (networks.get(name) or {}).get("pod") is not None
        for field, told in _DISCONTINUED.items():
            if interface.get(field) is not None:
                yield Problem(INVALID, f"{told} has been discontinued since v1.3", f"{at}.{field}")
        if len(sources(_BINDINGS, interface)) != 1:
            words = f"logical {name} interface must have exactly one binding method or binding plugin"
            yield Problem(INVALID, words, at)
        for field, told in (("masquerade", "Masquerade"), ("passtBinding", "PasstBinding")):
            if interface.get(field) is not None and not pod:
                yield Problem(INVALID, f"{told} interface only implemented with pod network", f"{at}.name")
        if name not in networks:
            yield Problem(INVALID, f"{{at}} '{name}' not found.", f"{at}.name")
        if name in seen:
            words = "Only one interface can be connected to one specific network"
            yield Problem(DUPLICATE, words, f"{at}.name")
        seen.add(name)
        yield from _interface(interface, at, name, pod=pod)


def _interface(interface: Any, at: str, name: str, *, pod: bool) -> Iterator[Problem]:
    if not re.fullmatch(r"[A-Za-z0-9-_]+", name, re.ASCII):
        words = "can only contain alphabetical characters, numbers, dashes (-) or underscores (_)"
        yield Problem(INVALID, f"Network interface name {words}", f"{at}.name")
    model, mac = interface.get("model"), interface.get("macAddress")
    if model and model not in _MODELS:
        words = f"interface {{root}}.{at}.name uses model {model} that is not supported."
        yield Problem(NOT_SUPPORTED, words, f"{at}.model")
    if mac and not _MAC.fullmatch(mac):
        words = f"interface {{root}}.{at}.name has malformed MAC address ({mac})."
        yield Problem(INVALID, words, f"{at}.macAddress")
    if mac == _RESERVED_MAC and interface.get("masquerade") is not None:
        words = "The requested MAC address is reserved for the in-pod bridge. Please choose another one."
        yield Problem(INVALID, words, f"{at}.macAddress")
    address = interface.get("pciAddress")
    if address and not is_pci_address(address):
        words = f"interface {{root}}.{at}.name has malformed PCI address ({address})."
        yield Problem(INVALID, words, f"{at}.pciAddress")
    state = interface.get("state") or ""
    if state not in ("", "absent", "up", "down"):
        yield Problem(INVALID, f"logical {name} interface state value is unsupported: {state}", f"{at}.state")
    if state in ("up", "down") and interface.get("sriov") is not None:
        words = f'"{name}" interface\'s state "{state}" is not supported for SR-IOV NICs'
        yield Problem(INVALID, words, f"{at}.state")
    if state == "absent":
        if interface.get("bridge") is None:
            words = f'"{name}" interface\'s state "{state}" is supported only for bridge binding'
            yield Problem(INVALID, words, f"{at}.state")
        if pod:
            words = f'"{name}" interface\'s state "{state}" is not supported on default networks'
            yield Problem(INVALID, words, f"{at}.state")
    yield from _ports(interface.get("ports") or () if pod else (), f"{at}.ports")
    yield from _dhcp(interface.get("dhcpOptions") or {}, f"{at}.dhcpOptions")


def _ports(ports: Any, at: str) -> Iterator[Problem]:
    seen = set()
    for number, port in enumerate(ports):
        name, value = port.get("name"), port.get("port") or 0
        if name in seen:
            yield Problem(DUPLICATE, f"Duplicate name of the port: {name}", f"{at}[{number}].name")
        if name and list(port_name(name)):
            yield Problem(INVALID, f"Invalid name of the port: {name}", f"{at}[{number}].name")
        seen.add(name or object())
        if value == 0:
            yield Problem(REQUIRED, "Port field is mandatory.", f"{at}[{number}].port")
        if not 0 <= value < 65536:
            yield Problem(INVALID, "Port field must be in range 0 < x < 65536.", f"{at}[{number}].port")
        if port.get("protocol") not in (None, "", "TCP", "UDP"):
            words = "Unknown protocol, only TCP or UDP allowed"
            yield Problem(INVALID, words, f"{at}[{number}].protocol")


def _dhcp(options: Any, at: str) -> Iterator[Problem]:
    numbers = [option.get("option") for option in options.get("privateOptions") or ()]
    if len(set(numbers)) < len(numbers):
        yield Problem(INVALID, "Found Duplicates: you have provided duplicate DHCPPrivateOptions")
    for number in numbers:
        if not isinstance(number, int) or not 224 <= number <= 254:
            yield Problem(
                INVALID, "provided DHCPPrivateOptions are out of range, must be in range 224 to 254"
            )
    for number, server in enumerate(options.get("ntpServers") or ()):
        if not _is_ip(server, 4):
            words = "NTP servers must be a list of valid IPv4 addresses."
            yield Problem(INVALID, words, f"{at}.ntpServers[{number}]")


def _is_ip(text: Any, version: int | None = None) -> bool:
    try:
        return ipaddress.ip_address(text).version in (version, *((4, 6) if version is None else ()))
    except ValueError:
        return False


def _names(spec: Any) -> Iterator[Problem]:
    for problem in label_problems(spec.get("hostname") or "a", "hostname"):
        words = f"{{at}} does not conform to the kubernetes DNS_LABEL rules : {problem.words}"
        yield Problem(INVALID, words, "hostname")
    if not is_subdomain(spec.get("subdomain") or "a"):
        words = f"{{at}} does not conform to the kubernetes DNS_SUBDOMAIN rules : {SUBDOMAIN_WORDS}"
        yield Problem(INVALID, words, "subdomain")
    if not is_subdomain(spec.get("serviceAccountName") or "a"):
        words = f"{{at}} is not a valid service account name: {SUBDOMAIN_WORDS}"
        yield Problem(INVALID, words, "serviceAccountName")


def _dns(spec: Any) -> Iterator[Problem]:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            yield Problem(REQUIRED, "must provide `dnsConfig` when `dnsPolicy` is None", "dnsConfig")
        elif not config.get("nameservers"):
            words = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            yield Problem(REQUIRED, words, "nameservers")
    servers, searches = (config or {}).get("nameservers") or [], (config or {}).get("searches") or []
    if len(servers) > 3:
        words = f"must not have more than 3 nameservers: [{' '.join(servers)}]"
        yield Problem(INVALID, words, "nameservers")
    for server in servers:
        if not _is_ip(server):
            yield Problem(INVALID, f"must be valid IP address: {server}", "nameservers")
    if len(searches) > 6:
        yield Problem(INVALID, "must not have more than 6 search paths", "searchDomains")
    for search in searches:
        if not is_subdomain(search):
            yield Problem(INVALID, SUBDOMAIN_WORDS, "searchDomains")
    for option in (config or {}).get("options") or ():
        if not option.get("name"):
            yield Problem(INVALID, "Option.Name must not be empty", "options")


def _probes(spec: Any) -> Iterator[Problem]:
    pod = any(network.get("pod") is not None for network in spec.get("networks") or ())
    # Without networks a guest is on the pod's.
    pod = pod or not (spec.get("networks") or _interfaces(spec))
    for name in ("readinessProbe", "livenessProbe"):
        probe = spec.get(name)
        if probe is None:
            continue
        kinds = sources(("httpGet", "tcpSocket", "exec", "guestAgentPing"), probe)
        if len(kinds) > 1:
            yield Problem(INVALID, "{at} must have exactly one probe type set", name)
        if not kinds:
            words = "either {at}.tcpSocket, {at}.exec or {at}.httpGet must be set if a {at} is specified"
            yield Problem(REQUIRED, words, name)
        for kind in () if pod else ("httpGet", "tcpSocket"):
            if kind in kinds:
                words = "{at} is only allowed if the Pod Network is attached"
                yield Problem(INVALID, words, f"{name}.{kind}")


#: From the spec of a guest on.
NETWORK_RULES: tuple[Rule, ...] = tuple(
    ("", check) for check in (_networks, _of_interfaces, _names, _dns, _probes)
)
