"""Where messages may go: every address of our own network is refused, however it is spelt and whenever it shows."""

from ipaddress import ip_address

import pytest

from services.notify.core.target import (
    HTTPS_PORTS,
    Target,
    TargetRefused,
    check_place,
    judge_found,
    read_loopback,
    read_url,
    refuse,
)

OWN = frozenset({("127.0.0.1", 8080), ("::1", 8081)})


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0", "this network"),
        ("10.0.0.1", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("100.100.100.200", "carrier-grade NAT"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "a cloud's own services"),
        ("169.254.169.254", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.1", "protocol assignments"),
        ("192.88.99.1", "6to4 relays"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "benchmarks"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved or broadcast"),
        ("::", "IPv4-compatible or unspecified"),
        ("::1", "loopback"),
        ("::127.0.0.1", "IPv4-compatible or unspecified"),
        ("::ffff:127.0.0.1", "IPv4-mapped"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("64:ff9b::7f00:1", "NAT64"),
        ("64:ff9b:1::7f00:1", "local NAT64"),
        ("2001::7f00:1", "Teredo"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("3fff::1", "documentation"),
        ("5f00::1", "not of the global internet"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "bound to an interface"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("2400:3200::5efe:7f00:1", "ISATAP"),
        ("100::1", "not of the global internet"),
    ],
)
def test_an_address_of_no_public_place_is_refused(address: str, reason: str) -> None:
    assert refuse(ip_address(address)) == reason


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2400:3200::1"]
)
def test_a_public_address_is_let_through(address: str) -> None:
    assert refuse(ip_address(address)) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://hook.example.org/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://localhost/",
        "https://localhost./",
        "https://sub.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://router/",
        "https://hook.example.org./",
        "https://hook..example.org/",
        "https://-hook.example.org/",
        "https://HOOK.example.org/",
        "https://name:word@hook.example.org/",
        "https://hook.example.org@127.0.0.1/",
        "https://127.0.0.1\\@hook.example.org/",
        "https://hook.example.org#@127.0.0.1/",
        "https://hook.example.org/#part",
        "https://hook.example.org/a b",
        "https://hook.example.org/\r\nx: y",
        "https://hook.example.org/\t",
        "https://１２７.０.０.１/",
        "https://①②⑦.0.0.1/",
        "https://127。0。0。1/",
        "https://ⓛocalhost/",
        "https://xn--1-8kc.example.org.xn--/",
        "https://xn--a.example.org/",
        "https://xn--hook-.example.org/",
        "https://ab--cd.example.org/",
        "https://hook.example.org:22/",
        "https://hook.example.org:6379/",
        "https://hook.example.org:99999/",
        "https://hook.example.org:0/",
        "https://hook.example.org:/",
        "https://hook.example.org:0443/",
        "https://hook.example.1/",
        "https://hook.example.0x7f/",
        "https:///path",
        "https:hook.example.org",
        "//hook.example.org/",
        "ftp://hook.example.org/",
        "file:///etc/hosts",
        "gopher://hook.example.org/",
        "javascript:alert(1)",
        "",
        "https://hook.example.org/" + "a" * 2000,
        "https://" + "a" * 64 + ".example.org/",
    ],
)
def test_an_odd_or_inward_address_is_refused_when_it_is_saved(url: str) -> None:
    with pytest.raises(TargetRefused):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hook.example.org", Target("https", "hook.example.org", 443, "/")),
        ("https://hook.example.org:8443/a/b?c=d", Target("https", "hook.example.org", 8443, "/a/b?c=d")),
        ("https://8.8.8.8/", Target("https", "8.8.8.8", 443, "/")),
        ("https://[2400:3200::1]/", Target("https", "2400:3200::1", 443, "/")),
        ("https://xn--fiqs8s.example.org/", Target("https", "xn--fiqs8s.example.org", 443, "/")),
    ],
)
def test_a_plain_public_address_is_taken(url: str, target: Target) -> None:
    assert read_url(url) == target


def test_the_host_header_holds_the_port_where_it_is_unusual() -> None:
    assert read_url("https://hook.example.org:8443/").authority == "hook.example.org:8443"
    assert read_url("https://[2400:3200::1]/").authority == "[2400:3200::1]"


def test_a_place_of_this_machine_is_allowed_only_where_it_is_named_with_its_port() -> None:
    assert read_url("http://127.0.0.1:8080/hook", OWN) == Target("http", "127.0.0.1", 8080, "/hook")
    assert read_url("http://[::1]:8081/", OWN).host == "::1"
    for url in ("http://127.0.0.1:8081/", "http://127.0.0.2:8080/", "http://10.0.0.1:8080/", "http://127.1:8080/"):
        with pytest.raises(TargetRefused):
            read_url(url, OWN)


@pytest.mark.parametrize(
    "text", ["10.0.0.1:8080", "hook.example.org:80", "127.0.0.1", "127.0.0.1:0", ":80", "127.1:80"]
)
def test_only_places_of_this_machine_can_be_named(text: str) -> None:
    with pytest.raises(TargetRefused):
        read_loopback(text)


def test_named_places_are_read() -> None:
    assert read_loopback(" 127.0.0.1:8080, [::1]:8081 ,") == OWN
    assert read_loopback("") == frozenset()


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:8.8.8.8"], ["64:ff9b::808:808"], [], ["fe80::1%2"], ["x"]],
)
def test_a_name_with_any_forbidden_address_is_refused_at_the_connection(found: list[str]) -> None:
    with pytest.raises(TargetRefused):
        judge_found("hook.example.org", 443, found)


def test_a_place_of_this_machine_may_not_turn_into_another() -> None:
    judge_found("127.0.0.1", 8080, ["127.0.0.1"], OWN)
    with pytest.raises(TargetRefused):
        judge_found("127.0.0.1", 8080, ["10.0.0.1"], OWN)


def test_a_refusal_quotes_no_path_for_it_may_hold_a_token() -> None:
    with pytest.raises(TargetRefused) as refused:
        read_url("https://127.0.0.1/send?key=secret")
    assert "secret" not in str(refused.value)


def test_a_mail_server_is_judged_by_the_same_rules() -> None:
    check_place("smtp.example.org", 465, {465})
    for host, port in (("10.0.0.1", 465), ("localhost", 465), ("smtp.example.org", 22), ("8.8.8.8", 443)):
        with pytest.raises(TargetRefused):
            check_place(host, port, HTTPS_PORTS - {443} | {465})
