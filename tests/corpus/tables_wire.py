"""What comes over the wire: kinds of bodies, methods, packing, and bytes that are no HTTP, or two requests in one."""

import gzip
import zlib

from tests.corpus.cases import Cases, Piece, encoded
from tests.corpus.tables_json import LINK, REPORT, SIGN, TICKETS

WRONG_KINDS = (
    "text/plain", "text/json", "text/html", "application/xml", "text/xml", "application/x-yaml", "application/octet-stream", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "image/png",
    "application/json; charset=utf-16", "application/json; charset=gbk", "application/json; charset=iso-8859-1", "application/json; charset=\"utf-7\"", "application/json; boundary=x", "application/jsonp", "application/json5", "application/hal+json", "application/json,text/plain", "application", "json", "*/*", "application/*",
)  # fmt: skip
RIGHT_KINDS = (
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
)
PACKINGS = (
    "gzip",
    "deflate",
    "br",
    "zstd",
    "compress",
    "x-gzip",
    "gzip, gzip",
    "identity, gzip",
    "GZIP",
    "aes128gcm",
    "exi",
    "pack200-gzip",
    "*",
    "none",
)


XML_TRAPS = {
    "entities that multiply": b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><r>&c;</r>',
    "an entity that is a file": b'<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><r>&f;</r>',
    "an entity that is an address": b'<!DOCTYPE r [<!ENTITY h SYSTEM "http://127.0.0.1:8003/livez">]><r>&h;</r>',
    "a definition from elsewhere": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:8003/r.dtd"><r/>',
}
"""No door reads XML, so none of it is looked at."""
FURTHER_DOORS: dict[str, tuple[str, str]] = {
    "/v1/tickets/bulk": ("intake", "hotline@990101"), "/v1/events": ("intake", "hotline@990101"),
    "/v1/leads": ("intake", "talk_recorder@990101"), "/v1/listening/sessions": ("intake", "talk_recorder@990101"),
    "/v1/listening/sessions/table": ("intake", "talk_recorder@990101"), "/open311/v2/requests.json": ("intake", ""),
    "/v1/commands": ("dispatch", "dispatcher@990101"), "/v1/work-requests": ("dispatch", "dispatcher@990101"),
    "/v1/followups/answers": ("notify", "follow_up_agent@990101"), "/v1/callbacks/replies": ("notify", ""),
    "/v1/callbacks/receipts": ("notify", ""), "/v1/subscriptions": ("notify", "integrator@990101"),
}  # fmt: skip
"""Where else bodies are posted: of which service, and who may."""
IN_AN_EVENT = {"specversion": "1.0", "type": "org.griddispatch.report.v1", "source": "/xml", "id": "x-1"}


def methods_and_kinds() -> Cases:
    """Methods that a route does not have, and bodies of another kind."""
    cases = Cases("kind")
    for method in ("PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND"):
        cases.add(
            f"{method} where posts go", 405, service="intake", method=method, path="/v1/tickets", who="hotline@990101"
        )
        cases.add(
            f"{method} where a command goes",
            405,
            service="dispatch",
            method=method,
            path="/v1/assignments/<assignment_id>/sign",
            who="dispatcher@990101",
        )
        cases.add(f"{method} where an answer goes", 405, service="notify", method=method, path="/v1/links/answer")
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        cases.add(
            "another method in a header changes nothing",
            200,
            service="dispatch",
            method="GET",
            path="/v1/lifecycle",
            who="dispatcher@990101",
            headers=[[name, "DELETE"]],
        )
    for kind in WRONG_KINDS:
        for door in (TICKETS, SIGN, LINK):
            said = door | {"headers": [*door.get("headers", []), ["Content-Type", kind]]}
            cases.add("another kind", 415, **said, body=REPORT)
    for why, document in XML_TRAPS.items():
        for kind in ("application/xml", "text/xml", "application/cloudevents+xml"):
            for door in (TICKETS, SIGN, LINK):
                said = door | {"headers": [*door.get("headers", []), ["Content-Type", kind]]}
                cases.add(why, 415, **said, b64=encoded(document))
    for kind in RIGHT_KINDS:
        cases.add("the kind", 201, **TICKETS, headers=[["Content-Type", kind]], body=REPORT)
    _xml_elsewhere(cases)
    return cases


def _xml_elsewhere(cases: Cases) -> None:
    """At every other door, within an event, and as a text: there it is a text like any other."""
    for why, document in XML_TRAPS.items():
        for path, (service, who) in FURTHER_DOORS.items():
            said = {"service": service, "method": "POST", "path": path} | ({"who": who} if who else {})
            cases.add(why, 415, **said, headers=[["Content-Type", "application/xml"]], b64=encoded(document))
        event = IN_AN_EVENT | {"datacontenttype": "application/xml", "data": document.decode()}
        said = TICKETS | {"path": "/v1/events", "headers": [["Content-Type", "application/cloudevents+json"]]}
        cases.add(f"{why}, in an event", 415, **said, body=event)
        cases.add(f"{why}, as a text", 201, **TICKETS, body=REPORT | {"text": document.decode()})


def compression() -> Cases:
    """Packed bodies are not unpacked, whatever is in them."""
    cases = Cases("packed")
    bomb = encoded(gzip.compress(b"0" * 4_000_000, mtime=0))
    for packing in PACKINGS:
        for door in (TICKETS, SIGN, LINK):
            said = door | {"headers": [*door.get("headers", []), ["Content-Encoding", packing]]}
            cases.add("a packed body", 415, **said, body=REPORT)
    for door in (TICKETS, SIGN, LINK):
        said = door | {"headers": [*door.get("headers", []), ["Content-Encoding", "gzip"]]}
        cases.add("four megabytes of nothing", 415, **said, b64=bomb)
        cases.add("packed and not said so", 400, **door, b64=encoded(gzip.compress(b"{}", mtime=0)))
        cases.add("deflated and not said so", 400, **door, b64=encoded(zlib.compress(b"{}")))
    return cases


GET = "GET /livez HTTP/1.1\r\n"
HOST = "Host: h\r\n"
END = "\r\n"
POST = "POST /v1/links/answer HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
NEXT = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"

# What is sent, and the status of the one answer; no second one may follow.
NO_HTTP = (
    "\r\n\r\n\r\nX", "GET\r\n\r\n", "GET /livez\r\n\r\n", "GET /livez HTTP/1.1 x\r\nHost: h\r\n\r\n", "GET /livez HTTP/9.9\r\nHost: h\r\n\r\n", "GET /livez HTTP/2.0\r\nHost: h\r\n\r\n", "GET /livez HTTP/1.2\r\nHost: h\r\n\r\n", "GET /livez http/1.1\r\nHost: h\r\n\r\n", "get /livez HTTP/1.1\r\nHost: h\r\n\r\n", "G\x00T /livez HTTP/1.1\r\n\r\n", "GET /li\x00vez HTTP/1.1\r\nHost: h\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "SSH-2.0-OpenSSH_9.6\r\n", "EHLO h\r\n", "*1\r\n$4\r\nPING\r\n", "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "GET livez HTTP/1.1\r\nHost: h\r\n\r\n", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "CONNECT /livez HTTP/1.1\r\nHost: h\r\n\r\n",
    GET + "Host : h\r\n\r\n", GET + HOST + " folded: x\r\n\r\n", GET + HOST + "X: a\r\n b\r\n\r\n", GET + HOST + "X: a\r\n\tb\r\n\r\n", GET + HOST + "X: a\rb\r\n\r\n", GET + HOST + "X: a\x00b\r\n\r\n", GET + HOST + "X\x00: a\r\n\r\n", GET + HOST + "X Y: a\r\n\r\n", GET + HOST + ": a\r\n\r\n", GET + HOST + "X\r\n\r\n", GET + HOST + "(X): a\r\n\r\n", GET + HOST + "X\u00e9: a\r\n\r\n", GET + HOST + "X: a\x0bb\r\n\r\n", GET + HOST + "X: a\x7fb\r\n\r\n", GET + HOST + "X: \x1b[31m\r\n\r\n",
    GET + END, GET + HOST + HOST + END, GET + HOST + "Host: other\r\n\r\n", GET + "host: a\r\nHOST: b\r\n\r\n",
    POST + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + NEXT, POST + "Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + NEXT, POST + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + NEXT, POST + "Content-Length: 2, 2\r\n\r\n{}" + NEXT, POST + "Content-Length: +2\r\n\r\n{}" + NEXT, POST + "Content-Length: -1\r\n\r\n" + NEXT, POST + "Content-Length: 0x2\r\n\r\n{}" + NEXT, POST + "Content-Length: 2a\r\n\r\n{}" + NEXT, POST + "Content-Length: \r\n\r\n" + NEXT, POST + "Content-Length: 99999999999999999999\r\n\r\n{}", POST + "Content-Length: 1 2\r\n\r\n{}" + NEXT, POST + "Content-Length: 2.0\r\n\r\n{}" + NEXT,
    POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + NEXT, POST + "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n" + NEXT,
    POST + "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n" + NEXT, POST + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + NEXT, POST + "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + NEXT, POST + "Transfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n", POST + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}", POST + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" + NEXT, POST + "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n" + NEXT, POST + "Transfer-Encoding: chunked\r\n\r\n\r\n" + NEXT,
    "GET /livez HTTP/1.1\nHost: h\n\n", GET + HOST + "X: y\n\n", GET + "Host: h\n\r\n", "POST /v1/links/answer HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
)  # fmt: skip
HARMLESS = (
    (NEXT, 200), ("GET  /livez HTTP/1.1\r\nHost: h\r\n\r\n", 200), ("GET http://elsewhere/livez HTTP/1.1\r\nHost: h\r\n\r\n", 200), ("\r\n" + NEXT, 200), (GET + "Host: evil.example\r\n\r\n", 200), (GET + "Host:\r\n\r\n", 200), (GET + "Host: h\r\nX: " + "a" * 8000 + END + END, 200), (GET + HOST + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 200), (GET + HOST + "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n", 200),
    (GET + HOST + "Range: bytes=0-18446744073709551615\r\n\r\n", 200), (GET + HOST + "traceparent: 00-junk\r\n\r\n", 200), (GET + HOST + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: ::1\r\n\r\n", 200), (GET + HOST + "X-Original-URL: /metrics\r\n\r\n", 200), (GET + HOST + "Expect: 200-ok\r\n\r\n", 200), (GET + HOST + "Cookie: a=b; a=c; =; ;\r\n\r\n", 200), (GET + HOST + "Accept: text/*;q=nan\r\n\r\n", 200), (GET + HOST + "If-None-Match: " + "\"x\"," * 500 + "\"y\"\r\n\r\n", 200),
    ("GET /../../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", 404), ("GET //livez HTTP/1.1\r\nHost: h\r\n\r\n", 404), ("GET /livez/ HTTP/1.1\r\nHost: h\r\n\r\n", [307, 404]), ("GET /%2e%2e/livez HTTP/1.1\r\nHost: h\r\n\r\n", 404), ("GET /livez%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /%ff%fe HTTP/1.1\r\nHost: h\r\n\r\n", 404), ("GET /%0d%0aX:%20y HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /nothing?x=%0d%0aSet-Cookie:%20a HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", [400, 404, 405]), ("GET ?x HTTP/1.1\r\nHost: h\r\n\r\n", 400),
)  # fmt: skip


def protocol() -> Cases:
    """Bytes on a connection: one answer, then the end; never the answer to a second request hidden in the first."""
    cases = Cases("wire")
    for sent in NO_HTTP:
        cases.add(
            "no HTTP, or two ways to read it", [0, 400, 405, 505], bytes=encoded(sent.encode("latin-1")), single=True
        )
    for sent, status in HARMLESS:
        cases.add("odd, and of no effect", status, bytes=encoded(sent.encode("latin-1")), single=True)
    return cases


def oversize_and_slow() -> Cases:
    """Too much, or too slowly."""
    cases = Cases("much")
    whole = 64 * 1024
    frame = len('{"a":""}')
    for door in (SIGN, LINK):
        for size, expect in ((whole - 1, 422), (whole, 422), (whole + 1, 413), (2 * whole, 413), (4 * whole + 1, 413)):
            parts: list[Piece] = [('{"a":"', 1), ("a", size - frame), ('"}', 1)]
            cases.add(f"{size} bytes", expect, **door, parts=parts)
    for size, expect in ((whole, 422), (whole + 1, 413), (2 * whole, 413), (16 * whole, 413)):
        cases.add(f"{size} bytes", expect, **TICKETS, parts=[('{"a":"', 1), ("a", size - frame), ('"}', 1)])
    heads: tuple[tuple[str, list[Piece], int], ...] = (
        ("a value of 64 KiB", [(GET + HOST + "X: ", 1), ("a", whole), (END + END, 1)], 431),
        ("a name of 64 KiB", [(GET + HOST, 1), ("a", whole), (": x\r\n\r\n", 1)], 431),
        ("ten thousand fields", [(GET + HOST, 1), ("X: a\r\n", 10_000), (END, 1)], 431),
        ("a hundred and one fields", [(GET + HOST, 1), ("X: a\r\n", 101), (END, 1)], 431),
        ("ninety fields", [(GET + HOST, 1), ("X: a\r\n", 90), (END, 1)], 200),
        (
            "cookies of 40 KiB",
            [(GET + HOST, 1), ("Cookie: a=b\r\n", 99), ("Cookie: ", 1), ("a", 40_000), (END + END, 1)],
            431,
        ),
        ("an address of 40 KiB", [("GET /livez?", 1), ("a", 40_000), (" HTTP/1.1\r\n" + HOST + END, 1)], 431),
        ("an address of 8 KiB", [("GET /livez?", 1), ("a", 8_000), (" HTTP/1.1\r\n" + HOST + END, 1)], 200),
        ("a value without an end", [(GET + HOST + "X: ", 1), ("a", 4 * whole)], 431),
        ("an address without an end", [("GET /", 1), ("a", 4 * whole)], 431),
    )
    for why, parts, expect in heads:
        cases.add(why, expect, said=parts)
    slow: tuple[tuple[str, str], ...] = (
        ("nothing said", ""),
        ("half a line", "GET /li"),
        ("half a head", GET),
        ("a head but for its end", GET + HOST),
        ("half a field", GET + HOST + "X: "),
        ("a body that does not come", POST + "Content-Length: 2\r\n\r\n"),
        ("half a body", POST + "Content-Length: 2\r\n\r\n{"),
        ("a length that lies", POST + "Content-Length: 60000\r\n\r\n{}"),
        ("a chunk that does not come", POST + "Transfer-Encoding: chunked\r\n\r\n"),
        ("half a chunk", POST + "Transfer-Encoding: chunked\r\n\r\n5\r\n{"),
        ("no last chunk", POST + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        ("no end of the trailer", POST + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"),
        ("a go-ahead wished for", POST + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
    )
    for why, begun in slow:
        cases.add(why, 408, said=[(begun, 1)], hasty=True)
    for size in (whole + 1, 2 * whole, 8 * whole):
        cases.add(
            "chunks without an end",
            413,
            said=[(POST + "Transfer-Encoding: chunked\r\n\r\n", 1), ("1000\r\n" + "a" * 4096 + END, size // 4096 + 1)],
        )
    return cases


TABLES = {
    "methods_and_kinds": methods_and_kinds(), "compression": compression(), "protocol": protocol(),
    "oversize_and_slow": oversize_and_slow(),
}  # fmt: skip
