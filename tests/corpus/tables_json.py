"""JSON that is none, has two meanings, or is of another form; and the doors it is brought to."""

from typing import Any

from tests.corpus.cases import Cases, Piece, encoded

REPORT: dict[str, Any] = {"source": "hotline", "channel": "PHONE", "text": "路灯坏了"}
TICKETS: dict[str, Any] = {
    "service": "intake",
    "method": "POST",
    "path": "/v1/tickets",
    "who": "hotline@990101",
    "keyed": True,
}
SIGN: dict[str, Any] = {
    "service": "dispatch",
    "method": "POST",
    "path": "/v1/assignments/<assignment_id>/sign",
    "who": "dispatcher@990101",
    "headers": [["If-Match", "1"]],
}
LINK: dict[str, Any] = {"service": "notify", "method": "POST", "path": "/v1/links/answer"}

# A body; whether it is JSON at all (400 if not), has one meaning (422 if not), or is good JSON of a wrong form (422).
MALFORMED: tuple[tuple[str, bytes], ...] = (
    ("nothing but blanks", b"  \t\n"),
    ("a byte order mark", b'\xef\xbb\xbf{"text":"a"}'),
    ("a comma too many in an object", b'{"text":"a",}'),
    ("a comma too many in an array", b'{"text":["a",]}'),
    ("a line comment", b'{"text":"a"} // words'),
    ("a block comment", b'/* words */{"text":"a"}'),
    ("a hash comment", b'{"text":"a"} # words'),
    ("two documents", b'{"text":"a"}{"text":"b"}'),
    ("two documents on two lines", b'{"text":"a"}\n{"text":"b"}'),
    ("single quotes", b"{'text':'a'}"),
    ("a bare key", b'{text:"a"}'),
    ("no closing brace", b'{"text":"a"'),
    ("no closing quote", b'{"text":"a'),
    ("no colon", b'{"text" "a"}'),
    ("no comma", b'{"text":"a" "source":"b"}'),
    ("two commas", b'{"text":"a",,"source":"b"}'),
    ("a comma first", b'{,"text":"a"}'),
    ("a number with a leading zero", b'{"a":01}'),
    ("a number with a plus", b'{"a":+1}'),
    ("a number without a whole part", b'{"a":.5}'),
    ("a number without a fraction", b'{"a":5.}'),
    ("a number without an exponent", b'{"a":1e}'),
    ("a hexadecimal number", b'{"a":0x10}'),
    ("an octal number", b'{"a":0o7}'),
    ("a number with underscores", b'{"a":1_000}'),
    ("a word for nothing", b'{"a":undefined}'),
    ("a Python word", b'{"a":None}'),
    ("a Python truth", b'{"a":True}'),
    ("a loud truth", b'{"a":TRUE}'),
    ("a tab in a string", b'{"a":"x\ty"}'),
    ("a line break in a string", b'{"a":"x\ny"}'),
    ("a raw NUL in a string", b'{"a":"\x00"}'),
    ("a raw escape character in a string", b'{"a":"\x1b[31m"}'),
    ("a bad escape", b'{"a":"\\x41"}'),
    ("half a unicode escape", b'{"a":"\\u12"}'),
    ("a long unicode escape", b'{"a":"\\U0001F600"}'),
    ("a lone backslash", b'{"a":"\\"}'),
    ("UTF-16 with a mark", '{"a":1}'.encode("utf-16")),
    ("UTF-16 little end first", '{"a":1}'.encode("utf-16-le")),
    ("UTF-16 big end first", '{"a":1}'.encode("utf-16-be")),
    ("UTF-32 with a mark", '{"a":1}'.encode("utf-32")),
    ("UTF-32 big end first", '{"a":1}'.encode("utf-32-be")),
    ("GBK", '{"a":"路灯"}'.encode("gbk")),
    ("GB18030", '{"a":"㐀"}'.encode("gb18030")),
    ("Latin-1", '{"a":"é"}'.encode("latin-1")),
    ("an overlong slash", b'{"a":"\xc0\xaf"}'),
    ("an overlong NUL", b'{"a":"\xc0\x80"}'),
    ("a surrogate in UTF-8", b'{"a":"\xed\xa0\x80"}'),
    ("beyond Unicode", b'{"a":"\xf4\x90\x80\x80"}'),
    ("a byte that is never UTF-8", b'{"a":"\xff"}'),
    ("a character cut off", b'{"a":"\xe8\xb7"}'),
    ("a continuation alone", b'{"a":"\x80"}'),
    ("XML", b"<ticket/>"),
    ("a form", b"text=a&source=b"),
    ("YAML", b"text: a\nsource: b"),
    ("JSONP", b'callback({"text":"a"})'),
    ("a guard against scripts", b")]}',\n{}"),
    ("a key that is a number", b'{1:"a"}'),
    ("a key that is nothing", b'{null:"a"}'),
    ("brackets that do not match", b'{"a":[1}'),
)
AMBIGUOUS: tuple[tuple[str, bytes], ...] = (
    ("a key twice", b'{"text":"a","text":"b"}'),
    ("a key twice, once escaped", b'{"text":"a","\\u0074ext":"b"}'),
    ("a key twice inside", b'{"location":{"lon":1,"lon":2}}'),
    ("a key three times", b'{"a":1,"a":1,"a":1}'),
    ("not a number", b'{"a":NaN}'),
    ("infinity", b'{"a":Infinity}'),
    ("minus infinity", b'{"a":-Infinity}'),
    ("a number that overflows", b'{"a":1e999}'),
    ("a number that overflows downwards", b'{"a":-1e999}'),
    ("an integer beyond 2^53", b'{"a":9007199254740993}'),
    ("an integer beyond -2^53", b'{"a":-9007199254740993}'),
    ("an integer beyond 2^63", b'{"a":9223372036854775808}'),
    ("an integer beyond 2^64", b'{"a":18446744073709551616}'),
    ("an integer of five thousand digits", b'{"a":' + b"9" * 5000 + b"}"),
    ("an escaped NUL", b'{"a":"\\u0000"}'),
    ("an escaped bell", b'{"a":"\\u0007"}'),
    ("an escaped escape character", b'{"a":"\\u001b[2J"}'),
    ("a lone high surrogate", b'{"a":"\\ud800"}'),
    ("a lone low surrogate", b'{"a":"\\udc00"}'),
    ("surrogates the wrong way round", b'{"a":"\\udc00\\ud800"}'),
    ("an escaped NUL in a key", b'{"\\u0000":1}'),
    ("forty arrays deep", b"[" * 40 + b"]" * 40),
    ("thirty-three objects deep", b'{"a":' * 33 + b"1" + b"}" * 33),
    ("a deep value in a field", b'{"text":' + b"[" * 33 + b"]" * 33 + b"}"),
    ("a thousand and one keys", b"{" + b",".join(b'"k%d":1' % n for n in range(1001)) + b"}"),
)
WRONG_FORM: tuple[tuple[str, bytes], ...] = (
    ("a list", b"[]"), ("a text", b'"a"'), ("a number", b"1"), ("minus nothing", b"-0"), ("a truth", b"true"),
    ("nothing", b"null"), ("a list of objects", b"[{}]"), ("an unknown field", b'{"nobody_knows":1}'),
    ("a prototype", b'{"__proto__":{"admin":true}}'), ("a constructor", b'{"constructor":{"prototype":{}}}'),
)  # fmt: skip


def json_edges() -> Cases:
    """JSON that is none, has two meanings, or is of another form, at a door of each service."""
    cases = Cases("json")
    for door in (TICKETS, SIGN, LINK):
        for why, body in MALFORMED:
            blank_is_nothing = door is SIGN and not body
            cases.add(why, 200 if blank_is_nothing else 400, **door, b64=encoded(body))
        for why, body in AMBIGUOUS:
            cases.add(why, 422, **door, b64=encoded(body))
        for why, body in WRONG_FORM:
            cases.add(why, 422, **door, b64=encoded(body))
        cases.add("deeper than a reader can go", [400, 422, 413], **door, parts=_deep())
    return cases


def _deep() -> list[Piece]:
    return [("[", 30_000), ("]", 30_000)]


TABLES = {"json_edges": json_edges()}
