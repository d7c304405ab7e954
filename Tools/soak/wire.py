# SPDX-License-Identifier: MIT
"""Requests that break a rule of HTTP, each with a whole request behind it, and bodies that are no good JSON."""

from client import BLANK, request

HIDDEN = request("POST", "/inference", BLANK)


def post(*lines, body=b"", version="HTTP/1.1", target="/inference"):
    head = "\r\n".join([f"POST {target} {version}", *lines, "", ""])
    return head.encode("latin-1") + body + HIDDEN


HOST = "Host: soak"
CHUNKED = "Transfer-Encoding: chunked"
LENGTH = "Content-Length: 5"

# RFC 9112; the comments of the rules are those of a strict origin server.
CASES = {
    # Two lengths.
    "length and chunked": post(HOST, LENGTH, CHUNKED, body=b"0\r\n\r\n"),
    "chunked and length": post(HOST, CHUNKED, LENGTH, body=b"0\r\n\r\n"),
    "two lengths": post(HOST, LENGTH, "Content-Length: 6", body=b"12345"),
    "the same length twice": post(HOST, LENGTH, LENGTH, body=b"12345"),
    "a list of lengths": post(HOST, "Content-Length: 5, 5", body=b"12345"),
    "length +5": post(HOST, "Content-Length: +5", body=b"12345"),
    "length -5": post(HOST, "Content-Length: -5", body=b"12345"),
    "length 0x5": post(HOST, "Content-Length: 0x5", body=b"12345"),
    "length 5_0": post(HOST, "Content-Length: 5_0", body=b"12345"),
    "empty length": post(HOST, "Content-Length: ", body=b"12345"),
    "length of 20 digits": post(HOST, "Content-Length: 18446744073709551621", body=b"12345"),
    "length with a blank": post(HOST, "Content-Length: 1 0", body=b"12345"),
    # Transfer codings.
    "unknown coding": post(HOST, "Transfer-Encoding: cow", body=b"0\r\n\r\n"),
    "coding before chunked": post(HOST, "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked not last": post(HOST, "Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "chunked twice": post(HOST, "Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "two coding fields": post(HOST, CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "identity": post(HOST, "Transfer-Encoding: identity", LENGTH, body=b"12345"),
    "xchunked": post(HOST, "Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "quoted chunked": post(HOST, 'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "chunked with a Kelvin sign for its k": post(
        HOST, "Transfer-Encoding: chun\xe2\x84\xaaed", body=b"0\r\n\r\n"
    ),
    "chunked with a tab in it": post(HOST, "Transfer-Encoding: chun\tked", body=b"0\r\n\r\n"),
    "chunked with a vertical tab": post(HOST, "Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "chunked in HTTP/1.0": post(HOST, CHUNKED, version="HTTP/1.0", body=b"0\r\n\r\n"),
    # Chunks.
    "chunk size with a sign": post(HOST, CHUNKED, body=b"+0\r\n\r\n"),
    "chunk size 0x0": post(HOST, CHUNKED, body=b"0x0\r\n\r\n"),
    "chunk size with an underscore": post(HOST, CHUNKED, body=b"0_0\r\n\r\n"),
    "chunk size behind a blank": post(HOST, CHUNKED, body=b" 0\r\n\r\n"),
    "chunk size of 17 digits": post(HOST, CHUNKED, body=b"00000000000000000\r\n\r\n"),
    "empty chunk size": post(HOST, CHUNKED, body=b"\r\n\r\n"),
    "bare line feed behind a size": post(HOST, CHUNKED, body=b"0\n\r\n"),
    "bare line feed behind a chunk": post(HOST, CHUNKED, body=b"1\r\nx\n0\r\n\r\n"),
    "chunk longer than its size": post(HOST, CHUNKED, body=b"1\r\nxyz\r\n0\r\n\r\n"),
    "bare line feed in an extension": post(HOST, CHUNKED, body=b"0;a\nb\r\n\r\n"),
    "long extension": post(HOST, CHUNKED, body=b"0;" + b"a" * 5000 + b"\r\n\r\n"),
    "length as a trailer": post(HOST, CHUNKED, body=b"0\r\nContent-Length: 5\r\n\r\n"),
    "coding as a trailer": post(HOST, CHUNKED, body=b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "host as a trailer": post(HOST, CHUNKED, body=b"0\r\nHost: other\r\n\r\n"),
    # Fields.
    "blank before the colon": post(HOST, "Content-Length : 5", body=b"12345"),
    "tab before the colon": post(HOST, "Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"),
    "folded field": post(HOST, "X: a\r\n b", body=b""),
    "folded coding": post(HOST, "Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"),
    "blank before the first field": post(" " + HOST),
    "empty name": post(HOST, ": x"),
    "no colon": post(HOST, "X"),
    "name that is no token": post(HOST, "X(y): z"),
    "underscore for a hyphen": post(HOST, "Content_Length: 5", body=b"12345"),
    "NUL in a value": post(HOST, "X: a\x00b"),
    "bare carriage return in a value": post(HOST, "X: a\rb"),
    "bare line feed as a line's end": b"POST /inference HTTP/1.1\nHost: soak\n\n" + HIDDEN,
    "escape in a value": post(HOST, "X: a\x1bb"),
    "no host": post("X: y"),
    "two hosts": post(HOST, "Host: other"),
    "two types": post(HOST, "Content-Type: image/png", "Content-Type: image/jpeg"),
    "too many fields": post(HOST, *[f"X{index}: y" for index in range(200)]),
    "too large headers": post(HOST, "X: " + "y" * 20_000),
    # The first line.
    "no version": b"POST /inference\r\nHost: soak\r\n\r\n" + HIDDEN,
    "version 2.0": post(HOST, version="HTTP/2.0"),
    "version 1.2": post(HOST, version="HTTP/1.2"),
    "version in lower case": post(HOST, version="http/1.1"),
    "two blanks": b"POST  /inference HTTP/1.1\r\nHost: soak\r\n\r\n" + HIDDEN,
    "tab for a blank": b"POST\t/inference\tHTTP/1.1\r\nHost: soak\r\n\r\n" + HIDDEN,
    "no method": b" /inference HTTP/1.1\r\nHost: soak\r\n\r\n" + HIDDEN,
    "method that is no token": b"PO(ST /inference HTTP/1.1\r\nHost: soak\r\n\r\n" + HIDDEN,
    "target without a slash": post(HOST, target="inference"),
    "long target": post(HOST, target="/" + "a" * 10_000),
    "NUL in the target": post(HOST, target="/infer\x00ence"),
    "two empty lines first": b"\r\n\r\n" + post(HOST),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + HIDDEN,
}

DEEP = 100_000
MALFORMED = {
    "NUL": b'{"images": \x00}',
    "NUL in a string": b'{"image": "a\x00b"}',
    "no UTF-8": b'{"image": "\xff\xfe"}',
    "overlong UTF-8": b'{"image": "\xc0\x80"}',
    "byte order mark": b"\xef\xbb\xbf" + BLANK,
    "deep lists": b'{"images": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"x":' * DEEP + b"1" + b"}" * DEEP,
    "deep and unknown": b'{"other": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep and open": b"[" * DEEP,
    "1e999": b'{"images": [1e999' + b",0" * 783 + b"]}",
    "NaN": b'{"images": [NaN' + b",0" * 783 + b"]}",
    "Infinity": b'{"images": [Infinity' + b",0" * 783 + b"]}",
    "256": b'{"images": [256' + b",0" * 783 + b"]}",
    "-1": b'{"images": [-1' + b",0" * 783 + b"]}",
    "a key twice": BLANK[:-1] + b',"images": [0]}',
    "too few numbers": b'{"images": [0,0,0]}',
    "ragged": b'{"images": [[0,0],[0]]}',
    "leading zero": b'{"images": [00' + b",0" * 783 + b"]}",
    "comma at the end": BLANK[:-2] + b",]}",
    "something behind": BLANK + b"{}",
    "cut short": BLANK[:-1],
    "empty": b"",
    "blank": b"   ",
    "a string": b'"images"',
    "null": b"null",
    "single quotes": b"{'images': [0]}",
    "a comment": BLANK + b"// x",
    "half a surrogate": b'{"image": "\\ud800"}',
    "wrong escape": b'{"image": "\\x41"}',
    "100,000 keys": b"{" + b",".join(b'"k%d":0' % index for index in range(100_000)) + b"}",
}
