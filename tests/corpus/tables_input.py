"""What callers send in bodies and addresses: letters, places, instants, keys, words, ids."""

import json
import unicodedata
from typing import Any

from tests.corpus.cases import Cases
from tests.corpus.tables_json import REPORT, TICKETS

# Letters: kept as they are, kept in another spelling, or refused.
KEPT = {
    "a bidi override": "前\u202e后", "a bidi isolate": "前\u2066后\u2069", "a zero-width space": "路\u200b灯", "a joiner": "a\u200db",
    "a soft hyphen": "路\u00ad灯", "a word joiner": "a\u2060b", "a mark in the middle": "路\ufeff灯", "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "a flag": "\U0001f1e8\U0001f1f3", "a skin tone": "\U0001f44d\U0001f3fd", "a keycap": "1\ufe0f\u20e3", "an extension A character": "㐀㒨", "an extension B name": "\U00020000\U0002a6d6",
    "an extension C name": "\U0002a700", "an extension D name": "\U0002b740", "an extension E name": "\U0002b820", "an extension F name": "\U0002ceb0", "an extension G name": "\U00030000",
    "an extension H name": "\U00031350", "a rare surname": "\U00020e9d氏", "two rare names": "㛃\U00020bb7", "a wide digit": "１２３４５", "a wide letter": "ＡＢＣ",
    "a private use character": "\ue000", "a private use character above": "\U000f0000", "a language tag": "\U000e0001\U000e0065", "a variation of a character": "葛\U000e0100", "a tag flag": "\U0001f3f4\U000e0067\U000e007f",
    "a replacement character": "\ufffd", "a character that is none": "\ufffe", "a character that is none above": "\U0010ffff", "Arabic": "مصباح", "Hebrew": "פנס", "Thai": "ไฟถนน", "Tibetan": "གློག", "Uyghur": "چىراغ",
    "Mongolian": "\u1820\u1821", "Yi": "ꀀꀁ", "Zhuang": "daeng ndaem", "Korean": "가로등", "Japanese": "街灯が", "a bopomofo name": "ㄅㄆㄇ",
    "a radical": "⺀⼀", "an ideographic description": "⿰亻尔", "an enclosed number": "①⑩", "a Roman number": "Ⅻ", "a unit": "㎡㎏", "a long s": "ſ", "a dotless i": "ı", "a sharp s": "ß",
    "a no-break space": "路\u00a0灯", "an ideographic space": "路\u3000灯", "a line separator": "路\u2028灯", "a paragraph separator": "路\u2029灯", "a line break": "路\n灯", "a tab": "路\t灯",
    "a Zalgo letter": "e" + "\u0334" * 40, "combining marks alone": "\u0334\u0335", "a hundred emoji": "\U0001f6a8" * 100, "an interrobang": "‽", "curly quotes": "“路灯”", "an ellipsis": "……", "a middle dot": "买买提·阿不都", "a hyphen that is none": "‐", "a minus": "−1",
    "an unassigned character": "\u0378", "a musical sign": "\U0001d11e", "a hieroglyph": "\U00013000", "an anchor": "\ufff9注\ufffa音\ufffb", "an object": "\ufffc", "an Ogham space": "a\u1680b", "a Hangul filler": "\u3164", "a narrow no-break space": "a\u202fb", "a half-width katakana": "ｶ",
}  # fmt: skip
SPELT = (
    "e\u0301",
    "A\u030a",
    "n\u0303",
    "o\u0308",
    "か\u3099",
    "は\u309a",
    "\u1100\u1161",
    "q\u0307\u0323",
    "\u212b",
    "\u2126",
    "\u1e9b\u0323",
    "\uf900",
    "\ufa0e",
    "\ufa10",
    "\U0002f800",
    "\U0002f81a",
    "s\u0323\u0307",
    "\u0344",
    "\u0958",
    "\u2adc",
)
REFUSED_LETTERS = tuple(
    chr(n) for n in (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xD83D)
)


def unicode_letters() -> Cases:
    """Letters in the words of a citizen, and what is kept of them."""
    cases = Cases("unicode", **TICKETS)
    for why, text in KEPT.items():
        cases.add(why, 201, body=REPORT | {"text": text}, kept=unicodedata.normalize("NFC", text))
    for text in SPELT:
        cases.add("another spelling", 201, body=REPORT | {"text": text}, kept=unicodedata.normalize("NFC", text))
    for text in REFUSED_LETTERS:
        cases.add(f"U+{ord(text):04X}", 422, text=json.dumps(REPORT | {"text": f"a{text}b"}), lacks=repr(text))
    for why, text in (
        ("blanks", "  "),
        ("nothing", ""),
        ("ideographic blanks", "\u3000\u3000"),
        ("line breaks", "\n\n"),
        ("tabs", "\t"),
    ):
        cases.add(f"only {why}", 422, body=REPORT | {"text": text})
    cases.add(
        "five thousand marks on a letter",
        422,
        parts=[('{"source":"hotline","channel":"PHONE","text":"e', 1), ("\u0334", 5000), ('"}', 1)],
    )
    cases.add(
        "four thousand characters",
        201,
        parts=[('{"source":"hotline","channel":"PHONE","text":"', 1), ("路", 4000), ('"}', 1)],
    )
    cases.add(
        "four thousand and one",
        422,
        parts=[('{"source":"hotline","channel":"PHONE","text":"', 1), ("路", 4001), ('"}', 1)],
    )
    for name in ("external_id", "title"):
        for text in ("a\u0000b", "a\u0085b", "\ud800"):
            cases.add(f"a control character in {name}", 422, text=json.dumps(REPORT | {name: text}))
    return cases


def geo() -> Cases:
    """Where it is said to be."""
    cases = Cases("geo", **TICKETS)

    def at(why: str, expect: Any, **location: Any) -> None:
        cases.add(why, expect, body=REPORT | {"location": location})

    for lon in (-180, -179.9999999, -0.0, 0, 1e-12, 0.1, 73.5, 119.225, 135.1, 179.9999999, 180):
        for lat in (-90, -89.9999999, 0, 33.378, 89.9999999, 90):
            at("on the globe", 201, lon=lon, lat=lat)
    for lon in (-180.0000001, 180.0000001, 181, 360, 1e9, -1e300):
        at("no longitude", 422, lon=lon, lat=33.3)
    for lat in (-90.0000001, 90.0000001, 91, 119.225, 180, 1e9, -1e300):
        at("no latitude", 422, lon=119.2, lat=lat)
    for wrong in ("NaN", "119.225", "", "119,225", "119°13′", None, True, [119.2], {"deg": 119}, "Infinity", "１１９"):
        at("no number for a longitude", 422, lon=wrong, lat=33.3)
        at("no number for a latitude", 422, lon=119.2, lat=wrong)
    for crs in ("WGS84", "GCJ02", "BD09"):
        for lon, lat in ((119.225, 33.378), (0.0, 0.0), (180.0, 90.0)):
            at(f"in {crs}", 201, lon=lon, lat=lat, crs=crs)
    for odd in ("wgs84", "EPSG:4326", "", "CGCS2000", None, 4326):
        at("an unknown datum", 422, lon=119.2, lat=33.3, crs=odd)
    for village in (
        "",
        "99010100100",
        "9901010010011",
        "99010100100a",
        "９９０１０１００１００１",
        "990101001001\n",
        "../../etc",
    ):
        at("no village code", 422, village_code=village)
    for township in ("", "99010100", "9901010011", "abcdefghi", "990101 01"):
        at("no township code", 422, township_code=township)
    at("a village of another township", 422, village_code="990101001001", township_code="990101002")
    at("a village of nobody", 201, village_code="110101001001")
    at("half a point", 422, lon=119.2)
    at("the other half", 422, lat=33.3)
    at("nothing said", 201)
    at("an address too long", 422, address="路" * 301)
    at("a third dimension", 422, lon=119.2, lat=33.3, altitude=10)
    for other in (
        "119.2,33.3",
        [119.2, 33.3],
        1,
        True,
        {"type": "Point", "coordinates": [119.2, 33.3]},
        {"location": {"lon": 1, "lat": 2}},
    ):
        cases.add("no place", 422, body=REPORT | {"location": other})
    return cases


INSTANTS = {
    "2026-03-10T09:15:00+08:00": "2026-03-10T01:15:00+00:00", "2026-03-10T09:15:00Z": "2026-03-10T09:15:00+00:00", "2026-03-10t09:15:00z": "2026-03-10T09:15:00+00:00",
    "2024-02-29T00:00:00Z": "2024-02-29T00:00:00+00:00", "2000-02-29T00:00:00Z": "2000-02-29T00:00:00+00:00", "2026-12-31T23:59:59.999999Z": "2026-12-31T23:59:59.999999+00:00",
    "2026-03-10T09:15:00+05:45": "2026-03-10T03:30:00+00:00", "2026-03-10T09:15:00+14:00": "2026-03-09T19:15:00+00:00", "2026-03-10T09:15:00-12:00": "2026-03-10T21:15:00+00:00", "2026-03-10T09:15:00-14:00": "2026-03-10T23:15:00+00:00",
    "2026-03-10T09:15:00+00:00": "2026-03-10T09:15:00+00:00", "2026-03-10T09:15:00-00:00": "2026-03-10T09:15:00+00:00", "2000-01-01T00:00:00Z": "2000-01-01T00:00:00+00:00", "2100-12-31T23:59:59Z": "2100-12-31T23:59:59+00:00",
    "2026-03-29T02:30:00+01:00": "2026-03-29T01:30:00+00:00", "2026-10-25T02:30:00+02:00": "2026-10-25T00:30:00+00:00", "2026-10-25T02:30:00+01:00": "2026-10-25T01:30:00+00:00", "2026-02-17T00:00:00+08:00": "2026-02-16T16:00:00+00:00",
    "2026-01-01T00:00:00+08:00": "2025-12-31T16:00:00+00:00", "2026-03-10T09:15:00.1Z": "2026-03-10T09:15:00.100000+00:00", "2026-03-10T09:15:00.123456789Z": "2026-03-10T09:15:00.123456+00:00", "2026-03-10T09:15:00+09:30": "2026-03-09T23:45:00+00:00",
}  # fmt: skip
NO_INSTANTS = (
    "", " ", "now", "today", "tomorrow", "2026-03-10", "09:15", "2026-03-10T09:15", "2026-03-10T09:15:00", "2026-03-10 09:15:00", "2026-03-10 09:15:00+08:00", "2026-03-10T09:15:00 +08:00", "2026-03-10T09:15:00+0800", "2026-03-10T09:15:00+08",
    "2026-03-10T09:15+08:00", "2026-03-10T24:00:00Z", "2026-03-10T25:00:00Z", "2026-03-10T09:60:00Z", "2026-03-10T09:15:60Z", "2016-12-31T23:59:60Z", "2026-03-10T09:15:61Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z", "2026-03-00T00:00:00Z", "2026-03-32T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "+002026-03-10T00:00:00Z",
    "1999-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "2026-W11-2T09:15:00Z", "2026-W01-1", "2026-069T09:15:00Z", "20260310T091500Z", "20260310", "1773105300", "1773105300000", "2026/03/10 09:15", "10.03.2026 09:15", "03/10/2026", "2026年3月10日", "2026年3月10日 9时15分", "二〇二六年三月十日", "丙午年正月廿二",
    "Tue, 10 Mar 2026 09:15:00 GMT", "Tue Mar 10 09:15:00 2026", "2026-03-10T09:15:00 Asia/Shanghai", "2026-03-10T09:15:00[Asia/Shanghai]", "2026-03-10T09:15:00+08:00[Asia/Shanghai]", "2026-03-10T09:15:00 CST", "2026-03-10T09:15:00EST", "2026-03-10T09:15:00+24:00", "2026-03-10T09:15:00+15:00", "2026-03-10T09:15:00-15:00", "2026-03-10T09:15:00+14:01", "2026-03-10T09:15:00+08:60", "2026-03-10T09:15:00±08:00",
    "2026-03-10T09:15:00−08:00", "２０２６-03-10T09:15:00Z", "2026-03-10T09:15:00,5Z", "2026-03-10T09:15:00.Z", "2026-03-10T09:15:00.1234567890Z", "2026-3-10T9:15:00Z", "26-03-10T09:15:00Z", "2026-03-10T09:15:00ZZ", "Z2026-03-10T09:15:00", "2026-03-10T09:15:00Z\n", " 2026-03-10T09:15:00Z", "2026-03-10T09:15:00Z ", "2026-03-10T9:15:00Z", "2026-03-10T09:15:00+8:00", "2026-03-10T09.15.00Z", "T09:15:00Z", "2026-03-10TZ", "P1D", "R5/2026-03-10T09:15:00Z/P1D",
    "2026-03-10T09:15:00Z/2026-03-11T09:15:00Z", "$now", "CURRENT_TIMESTAMP", "infinity", "-infinity", "epoch", "1e9", "NaN", "0", "-1", "null", "undefined", "2026-03-10T09:15:00\u200bZ", "2026‐03‐10T09:15:00Z", "2026-03-10T09：15：00Z",
)  # fmt: skip


def dates() -> Cases:
    """When it was reported: exactly one instant, or refused."""
    cases = Cases("dates", **TICKETS)
    for text, instant in INSTANTS.items():
        cases.add("an instant", 201, body=REPORT | {"reported_at": text}, instant=instant)
    for text in NO_INSTANTS:
        cases.add("no instant", 422, body=REPORT | {"reported_at": text})
    for wrong in (
        1773105300,
        1773105300000,
        1773105300.5,
        0,
        -1,
        True,
        False,
        [],
        {},
        ["2026-03-10T09:15:00Z"],
        {"$date": "2026-03-10T09:15:00Z"},
    ):
        cases.add("no text", 422, body=REPORT | {"reported_at": wrong})
    for since in ("", "x", "2026-13-01", "2026-02-30", "0000-00-00", "10000-01-01", "2026-03-10T25:00", "%00"):
        cases.add(
            "no day in an address",
            [400, 422],
            service="dispatch",
            method="GET",
            path=f"/v1/burden?since={since}",
            who="dispatcher@990101",
            keyed=False,
        )
    for since in ("0001-01-01", "9999-12-31", "1899-12-31", "2201-01-01"):
        cases.add(
            "a day too far in an address",
            422,
            service="dispatch",
            method="GET",
            path=f"/v1/burden?since={since}",
            who="dispatcher@990101",
            keyed=False,
        )
        cases.add(
            "a day too far at the end",
            422,
            service="dispatch",
            method="GET",
            path=f"/v1/burden?until={since}",
            who="dispatcher@990101",
            keyed=False,
        )
    for since in ("1900-01-01", "2200-12-31", "2026-02-28", "2024-02-29"):
        cases.add(
            "a day in an address",
            200,
            service="dispatch",
            method="GET",
            path=f"/v1/burden?since={since}",
            who="dispatcher@990101",
            keyed=False,
        )
    return cases


PAYLOADS = (
    "' OR '1'='1", "'; DROP TABLE ticket; --", "1; SELECT pg_sleep(10)", "' UNION SELECT NULL--", "\\'; --", "admin'--", "%' AND 1=1 AND '%'='", "%", "_", "%_%", "\\", "\\\\", "$1", "$$", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{% debug %}", "{0.__class__}", "{self.__init__.__globals__}", "%s%s%s%n", "%n%n%n", "%x%x", "${jndi:ldap://127.0.0.1/a}", "${${lower:j}ndi:ldap://x/a}", "${env:HOME}", "$(id)", "`id`", "; id", "| id", "&& id", "|| id",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "javascript:alert(1)", "\"><script>alert(1)</script>", "' onmouseover='alert(1)", "<iframe src=//x>", "<!--", "]]>", "<![CDATA[x]]>", "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", "&lt;script&gt;", "&#60;", "[click](javascript:alert(1))", "![x](http://127.0.0.1/x.png)", "[支付](http://xn--80ak6aa92e.com)", "@all 请点击", "<at user_id=\"all\"></at>", "<font color=red>急</font>", "# heading", "> quote", "```\ncode\n```", "| a | b |",
    "2026-03-10 00:00:00 ERROR fake line", "a\n{\"event\":\"fake\",\"level\":\"error\"}", "../../../../etc/passwd", "..\\..\\windows\\win.ini", "file:///etc/passwd", "/dev/zero", "CON", "con.txt", "http://169.254.169.254/latest/meta-data/", "gopher://127.0.0.1:6379/_INFO", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "=HYPERLINK(\"http://x\")", "＝1+1", "(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 60 + "!", "(" * 200, "[" * 200, "*" * 200, ".*" * 100, "O:8:\"stdClass\":0:{}", "!!python/object/apply:os.system ['id']", "__import__('os').system('id')", "eval(1)", "<?php phpinfo() ?>", "<?xml version=\"1.0\"?>", "{\"$gt\":\"\"}", "{\"$where\":\"1\"}", "*)(uid=*))(|(uid=*", "x' or name()='username' or 'x'='y", "true", "null", "undefined", "NaN", "-1", "0", "[object Object]", "None",
    "退订回T", "回复TD退订", "【官方】您的验证码是1234", "请加微信 abc123", "ʜᴏᴛʟɪɴᴇ", "раураl.com", "ⓗⓣⓣⓟ://x", "hxxp://x", "tel:+861065000000", "sms:10086?body=x", "weixin://dl/chat", "intent://x#Intent;end", "data:text/html,<script>1</script>",
)  # fmt: skip


def injections() -> Cases:
    """Words that mean something to somebody else; here they are words, and kept as they are."""
    cases = Cases("injection")
    for payload in PAYLOADS:
        cases.add("in the words", 201, **TICKETS, body=REPORT | {"text": payload}, kept=payload)
    for payload in PAYLOADS[:40]:
        cases.add(
            "in a filter",
            200,
            service="dispatch",
            method="GET",
            path="/v1/assignments",
            query={"unit": payload},
            who="dispatcher@990101",
        )
    for name in ("sort", "order", "fields", "filter", "q", "where", "include", "callback"):
        cases.add(
            "a filter nobody has",
            200,
            service="dispatch",
            method="GET",
            path="/v1/assignments",
            query={name: "id;drop"},
            who="dispatcher@990101",
        )
    for payload in ("PHONE'--", "phone", "PHONE\n", " PHONE", "PHONE ", "", "0", "ＰＨＯＮＥ"):
        cases.add("in a choice", 422, **TICKETS, body=REPORT | {"channel": payload})
    for payload in ("Hotline", "hot line", "hotline'--", "-hotline", "", "热线", "hotline\n", "h" * 65):
        cases.add("in a name", 422, **TICKETS, body=REPORT | {"source": payload})
    for payload in ("__class__", "a b", "A", "", "-a", "a" * 41, "键"):
        cases.add("in an extension's name", 422, **TICKETS, body=REPORT | {"extensions": {payload: 1}})
    return cases


def phones() -> Cases:
    """Numbers that a citizen leaves: digits and signs, nothing that a gateway would take for two numbers."""
    cases = Cases("phone", **TICKETS)
    for number in (
        "13800000000",
        "+8613800000000",
        "010-65000000",
        "051688888888",
        "138 0000 0000",
        "138****0000",
        "12345",
        "1",
        "+1 900 555 0100",
        "*21*",
    ):
        cases.add("a number", 201, body=REPORT | {"reporter": {"phone": number}})
    wrong = (
        "13800000000,13900000000",
        "13800000000;13900000000",
        "13800000000|1",
        "13800000000\n",
        "13800000000\r\nBcc: x",
        "\t13800000000",
        "１３８００００００００",
        "一三八",
        "١٣٨",
        "13800000000x12",
        "13800000000 ext. 5",
        "tel:13800000000",
        "(010)65000000",
        "{phone}",
        "${phone}",
        "<13800000000>",
        "'13800000000'",
        "13800000000/",
        "a",
        "13800000000@sms",
        "138。0000。0000",
        "138‐0000‐0000",
        "138\u200b00000000",
        "13800000000" * 3,
        "",
    )
    for number in wrong:
        cases.add("no number", 422, body=REPORT | {"reporter": {"phone": number}})
    for other in (13800000000, None, True, ["13800000000"], {"number": "1"}):
        cases.add("no text", 201 if other is None else 422, body=REPORT | {"reporter": {"phone": other}})
    for field, most in (("name", 50), ("note", 500)):
        cases.add("as long as may be", 201, body=REPORT | {"reporter": {field: "王" * most}})
        cases.add("too long", 422, body=REPORT | {"reporter": {field: "王" * (most + 1)}})
        cases.add("an empty one", 201, body=REPORT | {"reporter": {field: ""}})
    return cases


def idempotency() -> Cases:
    """Keys that cannot be used, or are used for something else."""
    cases = Cases("idempotency", service="intake", method="POST", path="/v1/tickets", who="hotline@990101")
    wrong = (
        "",
        "a b",
        "键",
        "é",
        "a\tb",
        "\u00a0",
        "a" * 256,
        "a" * 1000,
        "\x7f",
        "ключ",
        "🔑",
        "a  b",
        "“a”",
        "a\u200bb",
    )
    for key in wrong:
        cases.add("no key", 400, body=REPORT, headers=[["Idempotency-Key", key]])
    for key in (
        "a",
        "a" * 255,
        "!",
        "~",
        '"quoted"',
        "a,b",
        "a;b",
        "0",
        "null",
        "{}",
        "../x",
        "%00",
        "a=b",
        "'--",
        "<x>",
    ):
        cases.add("a key", 201, body=REPORT, headers=[["Idempotency-Key", f"{key}"]])
        cases.add("the same again", 201, body=REPORT, headers=[["Idempotency-Key", f"{key}"]])
        cases.add(
            "the same for other words", 422, body=REPORT | {"text": "别的"}, headers=[["Idempotency-Key", f"{key}"]]
        )
    cases.add("none at all", 400, body=REPORT)
    cases.add("two", 400, body=REPORT, headers=[["Idempotency-Key", "x1"], ["Idempotency-Key", "x2"]])
    cases.add("one twice", 400, body=REPORT, headers=[["Idempotency-Key", "x1"], ["Idempotency-Key", "x1"]])
    wrong_ids: tuple[Any, ...] = ("", "a\nb", "a\u0000b", "x" * 129, 1, True, [], {})
    for wrong_id in wrong_ids:
        cases.add("no external id", 422, body=REPORT | {"external_id": wrong_id})
    return cases


IDS = ("1", "0", "-1", "x", "null", "undefined", "..", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000", "00000000-0000-4000-8000-00000000000g", "%00", "%2e%2e%2fetc%2fpasswd", "%ff", "＇", "💥", "a" * 2000, "9" * 400, "1e9", "0x1", "00000000-0000-4000-8000-000000000000%20", "00000000-0000-4000-8000-000000000000%0a", "*", "%25", "true", "[]")  # fmt: skip
SAME_ID = (
    "00000000-0000-4000-8000-000000000000",
    "00000000000040008000000000000000",
    "%7B00000000-0000-4000-8000-000000000000%7D",
    "urn:uuid:00000000-0000-4000-8000-000000000000",
    "00000000-0000-4000-8000-00000000000A",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
)


def ids_and_pages() -> Cases:
    """Names of things that are none, and pages that nobody has."""
    cases = Cases("ids")
    for service, path in (("intake", "/v1/tickets/{}"), ("dispatch", "/v1/tickets/{}"), ("notify", "/v1/followups/{}")):
        for name in IDS:
            cases.add(
                "no id",
                [400, 404, 405, 422],
                service=service,
                method="GET",
                path=path.format(name),
                who="dispatcher@990101",
            )
        for name in SAME_ID:
            cases.add(
                "the id of nothing", 404, service=service, method="GET", path=path.format(name), who="dispatcher@990101"
            )
    for cycle in ("-1", "x", "1.5", str(2**31), str(2**63), "308569779680", "%31%00"):
        for path, who in (
            ("/v1/exclusions/<ticket_id>/{}/votes", "panel_member"),
            ("/v1/exclusions/<ticket_id>/{}/checks", "supervisor"),
            ("/v1/follow-up-tasks/<ticket_id>/{}/missed", "follow_up_agent"),
        ):
            cases.add(
                "no cycle",
                [400, 404, 405, 422],
                service="notify",
                method="POST",
                path=path.format(cycle),
                who=f"{who}@990101",
                body={},
            )
    pages: tuple[tuple[str, str], ...] = (
        *(("limit", text) for text in ("0", "-1", "1001", "1000000000", "x", "1.5", "1e3", "", "NaN", "１x", "%2B1x", "0x10", "99999999999999999999")),
        *(("after", text) for text in ("x", ",", "2026-03-10,x", "2026-03-10T00:00:00,00000000-0000-4000-8000-000000000000", "2026-03-10T00:00:00Z", "%27", "a" * 101, "9999-99-99T00:00:00Z,00000000-0000-4000-8000-000000000000")),
        *(("state", text) for text in ("x", "", "OPEN", "open", "%27")), ("unit", "a" * 81), ("unit", "%00"), ("unit", "%1b"),
    )  # fmt: skip
    for name, value in pages:
        cases.add(
            f"no {name}",
            [400, 422],
            service="dispatch",
            method="GET",
            path=f"/v1/assignments?{name}={value}",
            who="dispatcher@990101",
        )
    for page in ("?limit=1", "?limit=1000", "?limit=1&limit=2", "?limit=%31", "?unknown=1", "?&&&", "?limit=1#x"):
        cases.add(
            "a page", 200, service="dispatch", method="GET", path=f"/v1/assignments{page}", who="dispatcher@990101"
        )
    return cases


TABLES = {
    "unicode_letters": unicode_letters(), "geo": geo(), "dates": dates(),
    "injections": injections(), "phones": phones(), "idempotency": idempotency(), "ids_and_pages": ids_and_pages(),
}  # fmt: skip
