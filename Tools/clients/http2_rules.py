# SPDX-License-Identifier: MIT
"""Holds a running server to the rules of HTTP/2, one by one, as h2spec does: each rule gets a connection of its own, on which the
client breaks it or makes use of it. Frames are made by hyperframe and header blocks by hpack, both of the h2 project.

    Tools/clients/.venv/bin/python Tools/clients/http2_rules.py localhost:8000
"""

import socket
import sys

import h2.config
import h2.connection
import h2.events
import hpack
import hyperframe.frame as frames

NO_ERROR, PROTOCOL, INTERNAL, FLOW, SETTINGS_TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION = range(10)
CALM = 11
ADDRESS = ("localhost", 8000)
PATH = "/v2/health/live"


class Peer:
    """A connection that sends any frames at all."""

    def __init__(self, settings=None):
        self.socket = socket.create_connection(ADDRESS, timeout=10)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.buffer = b""
        self.seen = []
        self.send_raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frames.SettingsFrame(0, settings=settings or {}).serialize())

    def send_raw(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # what the server said before it closed is still read

    def send(self, *parts):
        self.send_raw(b"".join(part.serialize() for part in parts))

    def fields(self, *extra, method="GET", path=PATH):
        return [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a"), *extra]

    def head(self, stream=1, fields=None, end_stream=True, end_headers=True):
        frame = frames.HeadersFrame(stream, data=self.encoder.encode(fields or self.fields()))
        if end_stream:
            frame.flags.add("END_STREAM")
        if end_headers:
            frame.flags.add("END_HEADERS")
        return frame

    def next(self):
        """The next frame; None when the server has closed."""
        while True:
            if len(self.buffer) >= 9:
                frame, length = frames.Frame.parse_frame_header(memoryview(self.buffer[:9]))
                if len(self.buffer) >= 9 + length:
                    frame.parse_body(memoryview(self.buffer[9:9 + length]))
                    self.buffer = self.buffer[9 + length:]
                    if isinstance(frame, frames.SettingsFrame) and "ACK" not in frame.flags:
                        self.send(frames.SettingsFrame(0, flags=["ACK"]))
                    self.seen.append(frame)
                    return frame
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self.buffer += data

    def until(self, condition):
        while (frame := self.next()) is not None:
            if condition(frame):
                return frame
        return None

    def expect_connection_error(self, *codes):
        frame = self.until(lambda frame: isinstance(frame, frames.GoAwayFrame))
        assert frame is not None, "the connection was closed without a word"
        assert frame.error_code in codes, f"GOAWAY with {frame.error_code}, expected {codes}"
        assert self.until(lambda frame: False) is None

    def expect_stream_error(self, *codes, stream=1):
        """RST_STREAM, or the harder measure, which RFC 9113, section 5.4, allows."""
        kinds = (frames.GoAwayFrame, frames.RstStreamFrame)
        frame = self.until(lambda frame: isinstance(frame, kinds))
        assert frame is not None, "the connection was closed without a word"
        assert frame.error_code in codes, f"{type(frame).__name__} with {frame.error_code}, expected {codes}"

    def expect_answer(self, stream=1, status="200"):
        frame = self.until(lambda frame: isinstance(frame, frames.HeadersFrame) and frame.stream_id == stream)
        assert frame is not None, "no answer"
        fields = dict(self.decoder.decode(frame.data))
        assert fields[":status"] == status, fields

    def expect_ping(self):
        self.send(frames.PingFrame(0, opaque_data=b"12345678"))
        assert self.until(lambda frame: isinstance(frame, frames.PingFrame) and "ACK" in frame.flags) is not None


RULES = []


def rule(section):
    def add(function):
        RULES.append((section, function))
        return function
    return add


def breaks(section, name, *codes, of="connection", settings=None):
    """A rule that the frames which a function makes break."""
    def add(function):
        def check():
            peer = Peer(settings)
            made = function(peer)
            peer.send_raw(b"".join(part if isinstance(part, bytes) else part.serialize() for part in made))
            peer.expect_connection_error(*codes) if of == "connection" else peer.expect_stream_error(*codes)
        check.__name__ = name
        RULES.append((section, check))
        return function
    return add


def raw(kind, flags, stream, payload=b"", length=None):
    length = len(payload) if length is None else length
    return length.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


# 3 and 4: beginning, frames

@rule("3.4")
def the_servers_preface_is_its_settings():
    peer = Peer()
    first = peer.next()
    assert isinstance(first, frames.SettingsFrame) and "ACK" not in first.flags, first
    assert first.settings[frames.SettingsFrame.MAX_CONCURRENT_STREAMS] >= 100, first.settings


@rule("3.4")
def a_wrong_preface_is_no_http2():
    with socket.create_connection(ADDRESS, timeout=10) as connection:
        connection.sendall(b"INVALID CONNECTION PREFACE\r\n\r\n")
        assert connection.recv(100).startswith((b"HTTP/1.1 400", b"HTTP/1.1 505"))


@rule("4.1")
def frames_of_unknown_types_are_ignored():
    peer = Peer()
    peer.send_raw(raw(0x16, 0xFF, 0, b"12345678"))
    peer.expect_ping()


@rule("4.1")
def unknown_flags_and_the_reserved_bit_are_ignored():
    peer = Peer()
    peer.send_raw(raw(6, 0x16 & ~1, 1 << 31, b"12345678"))
    assert peer.until(lambda frame: isinstance(frame, frames.PingFrame)) is not None


breaks("4.2", "data_above_the_frame_size", SIZE)(
    lambda peer: [peer.head(end_stream=False), raw(0, 0, 1, b"a" * 16385)])
breaks("4.2", "headers_above_the_frame_size", SIZE)(lambda peer: [raw(1, 5, 1, b"a" * 16385)])
breaks("4.3", "a_block_that_cannot_be_unpacked", COMPRESSION)(lambda peer: [raw(1, 5, 1, b"\xff\xff\xff\xff\xff\xff")])
breaks("4.3", "a_priority_within_a_block", PROTOCOL)(
    lambda peer: [peer.head(end_headers=False), raw(2, 0, 1, b"\0\0\0\0\xff")])
breaks("4.3", "another_streams_headers_within_a_block", PROTOCOL)(
    lambda peer: [peer.head(end_headers=False), peer.head(stream=3)])

# 5: streams

breaks("5.1", "data_on_an_idle_stream", PROTOCOL, CLOSED)(lambda peer: [raw(0, 1, 1, b"test")])
breaks("5.1", "reset_of_an_idle_stream", PROTOCOL)(lambda peer: [raw(3, 0, 1, b"\0\0\0\x08")])
breaks("5.1", "window_update_of_an_idle_stream", PROTOCOL)(lambda peer: [raw(8, 0, 1, b"\0\0\0\x64")])
breaks("5.1", "continuation_of_an_idle_stream", PROTOCOL)(lambda peer: [raw(9, 4, 1, b"")])
breaks("5.1", "data_on_a_half_closed_stream", CLOSED, of="stream")(lambda peer: [peer.head(), raw(0, 1, 1, b"test")])
breaks("5.1", "headers_on_a_half_closed_stream", CLOSED, of="stream")(lambda peer: [peer.head(), peer.head()])
breaks("5.1", "continuation_on_a_half_closed_stream", PROTOCOL, CLOSED, of="stream")(
    lambda peer: [peer.head(), raw(9, 4, 1, b"")])
breaks("5.1", "continuation_after_a_reset", PROTOCOL, CLOSED)(
    lambda peer: [peer.head(end_stream=False), raw(3, 0, 1, b"\0\0\0\x08"), raw(9, 4, 1, b"")])
breaks("5.1.1", "an_even_stream", PROTOCOL)(lambda peer: [peer.head(stream=2)])
breaks("5.3.1", "a_stream_that_depends_on_itself", PROTOCOL, of="stream")(lambda peer: [
    raw(1, 0x25, 1, b"\0\0\0\x01\x10" + peer.encoder.encode(peer.fields()))])
breaks("5.4", "a_stream_that_is_gone_is_no_error", CALM)(
    lambda peer: [peer.head(), raw(3, 0, 1, b"\0\0\0\x08")] + [raw(3, 0, 1, b"\0\0\0\x08")] * 3000)


@rule("5.1.1")
def a_stream_below_the_last_one_is_not_answered():
    # nghttp2 leaves out the connection error: it may be a trailer that crossed the stream's end.
    peer = Peer()
    peer.send(peer.head(stream=5))
    peer.expect_answer(5)
    peer.send(peer.head(stream=3))
    peer.expect_ping()
    assert not any(isinstance(frame, frames.HeadersFrame) and frame.stream_id == 3 for frame in peer.seen)


@rule("5.3.2")
def priorities_are_ignored():
    # The server says so in its settings (RFC 9218, section 2.1).
    peer = Peer()
    assert peer.next().settings.get(9) == 1
    peer.send_raw(raw(2, 0, 0, b"\0\0\0\x01\x10") + raw(2, 0, 3, b"\0\0\0\x03\x10"))
    peer.expect_ping()


@rule("5.1.2")
def streams_above_the_limit_are_refused():
    peer = Peer()
    limit = peer.next().settings[frames.SettingsFrame.MAX_CONCURRENT_STREAMS]
    peer.expect_ping()
    peer.send(*[peer.head(stream=1 + 2 * index, end_stream=False) for index in range(limit + 1)])
    peer.expect_stream_error(PROTOCOL, REFUSED, stream=1 + 2 * limit)


@rule("5.5")
def settings_that_are_unknown_are_ignored():
    peer = Peer()
    peer.send_raw(raw(4, 0, 0, b"\xff\xff\0\0\0\x01"))
    peer.send(peer.head())
    peer.expect_answer()


# 6: the types of frames

breaks("6.1", "data_on_stream_0", PROTOCOL)(lambda peer: [raw(0, 1, 0, b"test")])
breaks("6.1", "more_padding_than_data", PROTOCOL)(
    lambda peer: [peer.head(end_stream=False), raw(0, 9, 1, b"\x06Test")])
breaks("6.2", "headers_on_stream_0", PROTOCOL)(lambda peer: [raw(1, 5, 0, peer.encoder.encode(peer.fields()))])
breaks("6.2", "more_padding_than_headers", PROTOCOL)(
    lambda peer: [raw(1, 0x0D, 1, b"\xff" + peer.encoder.encode(peer.fields()))])
breaks("6.3", "priority_of_4_bytes", SIZE, of="stream")(lambda peer: [peer.head(end_stream=False), raw(2, 0, 1, b"1234")])
breaks("6.4", "reset_of_stream_0", PROTOCOL)(lambda peer: [raw(3, 0, 0, b"\0\0\0\x08")])
breaks("6.4", "reset_of_3_bytes", SIZE)(lambda peer: [peer.head(end_stream=False), raw(3, 0, 1, b"123")])
breaks("6.5", "an_acknowledgement_with_content", SIZE)(lambda peer: [raw(4, 1, 0, b"\0")])
breaks("6.5", "settings_of_a_stream", PROTOCOL)(lambda peer: [raw(4, 0, 1, b"\0\x03\0\0\0\x64")])
breaks("6.5", "settings_of_5_bytes", SIZE)(lambda peer: [raw(4, 0, 0, b"\0\x03\0\0\0")])
breaks("6.5.2", "push_is_neither_0_nor_1", PROTOCOL)(lambda peer: [raw(4, 0, 0, b"\0\x02\0\0\0\x02")])
breaks("6.5.2", "a_window_above_the_largest", FLOW)(lambda peer: [raw(4, 0, 0, b"\0\x04\x80\0\0\0")])
breaks("6.5.2", "a_frame_size_below_the_smallest", PROTOCOL)(lambda peer: [raw(4, 0, 0, b"\0\x05\0\0\x3f\xff")])
breaks("6.5.2", "a_frame_size_above_the_largest", PROTOCOL)(lambda peer: [raw(4, 0, 0, b"\0\x05\x01\0\0\0")])
breaks("6.5", "more_settings_than_a_frame_may_have", CALM, PROTOCOL)(lambda peer: [raw(4, 0, 0, b"\0\x03\0\0\0\x64" * 33)])
breaks("6.6", "a_push", PROTOCOL)(lambda peer: [raw(5, 4, 1, b"\0\0\0\x02")])
breaks("6.7", "a_ping_of_a_stream", PROTOCOL)(lambda peer: [raw(6, 0, 1, b"12345678")])
breaks("6.7", "a_ping_of_6_bytes", SIZE)(lambda peer: [raw(6, 0, 0, b"123456")])
breaks("6.8", "a_goodbye_on_a_stream", PROTOCOL)(lambda peer: [raw(7, 0, 1, bytes(8))])
breaks("6.9", "a_window_update_of_0", PROTOCOL)(lambda peer: [raw(8, 0, 0, bytes(4))])
breaks("6.9", "a_window_update_of_0_on_a_stream", PROTOCOL, of="stream")(
    lambda peer: [peer.head(end_stream=False), raw(8, 0, 1, bytes(4))])
breaks("6.9", "a_window_update_of_3_bytes", SIZE)(lambda peer: [raw(8, 0, 0, bytes(3))])
breaks("6.9.1", "a_connections_window_above_the_largest", FLOW)(lambda peer: [raw(8, 0, 0, b"\x7f\xff\xff\xff")] * 2)
breaks("6.9.1", "a_streams_window_above_the_largest", FLOW, of="stream")(
    lambda peer: [peer.head(end_stream=False)] + [raw(8, 0, 1, b"\x7f\xff\xff\xff")] * 2)
breaks("6.9.2", "a_change_that_overflows_a_streams_window", FLOW, of="stream")(
    lambda peer: [peer.head(end_stream=False), raw(8, 0, 1, b"\x7f\xff\0\0"), raw(4, 0, 0, b"\0\x04\x7f\xff\xff\xff")])
breaks("6.10", "a_continuation_on_stream_0", PROTOCOL)(
    lambda peer: [peer.head(end_headers=False), raw(9, 4, 0, b"")])
breaks("6.10", "a_continuation_after_the_end", PROTOCOL)(
    lambda peer: [peer.head(end_stream=False), raw(9, 4, 1, b"")])
breaks("6.10", "data_before_the_continuation", PROTOCOL)(
    lambda peer: [peer.head(end_headers=False, end_stream=False), raw(0, 1, 1, b"test")])


@rule("6.5.3")
def settings_are_acknowledged():
    peer = Peer()
    acknowledged = peer.until(lambda frame: isinstance(frame, frames.SettingsFrame) and "ACK" in frame.flags)
    assert acknowledged is not None


@rule("6.7")
def a_ping_is_answered_with_its_content_and_an_answer_is_not():
    peer = Peer()
    peer.send(frames.PingFrame(0, opaque_data=b"unasked!", flags=["ACK"]), frames.PingFrame(0, opaque_data=b"abcdefgh"))
    answer = peer.until(lambda frame: isinstance(frame, frames.PingFrame))
    assert answer.opaque_data == b"abcdefgh" and "ACK" in answer.flags


@rule("6.9.2")
def windows_are_kept_and_a_change_holds_for_open_streams():
    peer = Peer({frames.SettingsFrame.INITIAL_WINDOW_SIZE: 3})
    peer.send(peer.head())
    data = peer.until(lambda frame: isinstance(frame, frames.DataFrame))
    assert data.data == b'{"l', data
    peer.send(frames.SettingsFrame(0, settings={frames.SettingsFrame.INITIAL_WINDOW_SIZE: 5}))
    assert peer.until(lambda frame: isinstance(frame, frames.DataFrame)).data == b"iv"
    peer.send(frames.WindowUpdateFrame(1, window_increment=100))
    assert peer.until(lambda frame: isinstance(frame, frames.DataFrame)).data == b'e":true}'


@rule("6.9.2")
def a_window_may_become_negative():
    peer = Peer({frames.SettingsFrame.INITIAL_WINDOW_SIZE: 3})
    peer.send(peer.head())
    assert peer.until(lambda frame: isinstance(frame, frames.DataFrame)).data == b'{"l'
    peer.send(
        frames.SettingsFrame(0, settings={frames.SettingsFrame.INITIAL_WINDOW_SIZE: 2}),
        frames.WindowUpdateFrame(1, window_increment=2))
    assert peer.until(lambda frame: isinstance(frame, frames.DataFrame)).data == b"i"


@rule("6.10")
def headers_may_be_continued():
    peer = Peer()
    block = peer.encoder.encode(peer.fields())
    peer.send_raw(raw(1, 1, 1, block[:1]) + raw(9, 0, 1, block[1:5]) + raw(9, 4, 1, block[5:]))
    peer.expect_answer()


@rule("6.2")
def padding_and_priority_are_skipped():
    peer = Peer()
    peer.send_raw(raw(1, 0x2D, 1, b"\x04\0\0\0\0\x10" + peer.encoder.encode(peer.fields()) + bytes(4)))
    peer.expect_answer()


@rule("7")
def unknown_codes_are_no_error():
    peer = Peer()
    peer.send(peer.head(end_stream=False))
    peer.send_raw(raw(3, 0, 1, b"\0\0\0\xff"))
    peer.expect_ping()
    peer.send_raw(raw(7, 0, 0, b"\0\0\0\0\0\0\0\xff"))
    assert peer.until(lambda frame: False) is None


# 8: HTTP itself

def malformed(name, *extra, fields=None, section="8.1.1"):
    breaks(section, name, PROTOCOL, of="stream")(
        lambda peer: [peer.head(fields=fields or peer.fields(*extra))])


BASE = [(":method", "GET"), (":scheme", "http"), (":path", PATH), (":authority", "a")]
malformed("a_name_in_upper_case", ("X-TEST", "ok"), section="8.2.1")
malformed("an_unknown_pseudo_header", (":test", "ok"), section="8.3")
malformed("a_pseudo_header_of_answers", (":status", "200"), section="8.3")
malformed("a_pseudo_header_behind_others", section="8.3", fields=[("x-test", "ok"), *BASE])
malformed("a_connection_header", ("connection", "keep-alive"), section="8.2.2")
malformed("another_te_than_trailers", ("trailers", "test"), ("te", "trailers, deflate"), section="8.2.2")
malformed("no_method", section="8.3.1", fields=BASE[1:])
malformed("no_scheme", section="8.3.1", fields=[BASE[0], *BASE[2:]])
malformed("no_path", section="8.3.1", fields=[*BASE[:2], BASE[3]])
malformed("an_empty_path", section="8.3.1", fields=[*BASE[:2], (":path", ""), BASE[3]])
for index, field in enumerate(BASE):
    malformed(f"two_of_{field[0][1:]}", section="8.3.1", fields=[*BASE[:index], field, *BASE[index:]])
breaks("8.1.1", "a_length_that_is_not_the_bodys", PROTOCOL, of="stream")(
    lambda peer: [peer.head(fields=peer.fields(("content-length", "1"), method="POST"), end_stream=False),
                  raw(0, 1, 1, b"test")])
breaks("8.1.1", "a_length_that_is_not_that_of_all_frames", PROTOCOL, of="stream")(
    lambda peer: [peer.head(fields=peer.fields(("content-length", "1"), method="POST"), end_stream=False),
                  raw(0, 0, 1, b"test"), raw(0, 1, 1, b"test")])
breaks("8.1", "trailers_that_do_not_end_the_stream", PROTOCOL, of="stream")(
    lambda peer: [peer.head(fields=peer.fields(method="POST"), end_stream=False),
                  peer.head(fields=[("x-test", "ok")], end_stream=False)])
breaks("8.1", "a_pseudo_header_among_trailers", PROTOCOL, of="stream")(
    lambda peer: [peer.head(fields=peer.fields(method="POST"), end_stream=False), peer.head(fields=[(":path", "/")])])


@rule("8.1")
def trailers_end_a_request():
    peer = Peer()
    peer.send(peer.head(fields=peer.fields(("trailer", "x-test"), method="POST", path="/inference"), end_stream=False),
              frames.DataFrame(1, data=b"text"), peer.head(fields=[("x-test", "ok")]))
    peer.expect_answer(status="415")


@rule("8.1")
def head_has_the_headers_of_get_and_no_body():
    peer = Peer()
    peer.send(peer.head(fields=peer.fields(method="HEAD")))
    peer.expect_answer()
    assert "END_STREAM" in peer.seen[-1].flags


# RFC 7541: header compression

breaks("hpack 2.3.3", "an_index_beyond_the_tables", COMPRESSION)(lambda peer: [raw(1, 5, 1, b"\xff\x00")])
breaks("hpack 4.2", "a_table_size_in_the_middle_of_a_block", COMPRESSION)(
    lambda peer: [raw(1, 5, 1, peer.encoder.encode(peer.fields()) + b"\x20")])
breaks("hpack 5.2", "huffman_padding_of_more_than_7_bits", COMPRESSION)(
    lambda peer: [raw(1, 5, 1, peer.encoder.encode(peer.fields()) + b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff")])
breaks("hpack 5.2", "the_end_of_string_symbol", COMPRESSION)(
    lambda peer: [raw(1, 5, 1, peer.encoder.encode(peer.fields()) + b"\x00\x85\xf2\xb2\x4a\x87\xff\xff\xff\xfd\x25\x42\x7f")])
breaks("hpack 6.1", "the_index_0", COMPRESSION)(lambda peer: [raw(1, 5, 1, b"\x80")])
breaks("hpack 6.3", "a_table_larger_than_allowed", COMPRESSION)(
    lambda peer: [raw(1, 5, 1, b"\x3f\xe1\x7f\x03" + peer.encoder.encode(peer.fields()))])


# A whole client: the h2 library

@rule("h2")
def a_client_that_others_wrote_is_answered():
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    with socket.create_connection(ADDRESS, timeout=10) as peer:
        connection.initiate_connection()
        body = b"not an image, and longer than a window" * 30_000
        answers, waiting = {}, {}
        for stream in range(1, 20, 2):
            method = "POST" if stream == 1 else "GET"
            connection.send_headers(
                stream, [(":method", method), (":scheme", "http"), (":authority", "a"),
                         (":path", "/inference" if stream == 1 else PATH)], end_stream=stream != 1)
        waiting[1] = body
        while len([1 for answer in answers.values() if answer[1]]) < 10:
            while waiting.get(1) and (room := min(connection.local_flow_control_window(1), 16384)) > 0:
                connection.send_data(1, waiting[1][:room], end_stream=len(waiting[1]) <= room)
                waiting[1] = waiting[1][room:]
            peer.sendall(connection.data_to_send())
            for event in connection.receive_data(peer.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    answers[event.stream_id] = [dict(event.headers)[b":status"], False]
                elif isinstance(event, h2.events.StreamEnded):
                    answers[event.stream_id][1] = True
        assert answers.pop(1)[0] == b"415", answers
        assert all(status == b"200" for status, _ in answers.values()), answers


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    ADDRESS = (host, int(port))
    failures = 0
    for section, check in RULES:
        try:
            check()
        except Exception as error:  # noqa: BLE001 - each rule is told of
            failures += 1
            print(f"{section} {check.__name__}: {type(error).__name__}: {error}")
    print(f"{len(RULES)} rules, {failures} broken")
    sys.exit(1 if failures else 0)
