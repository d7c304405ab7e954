// SPDX-License-Identifier: MIT

import CNghttp2

/// The functions that nghttp2 calls. They capture nothing: the session comes back to them as a pointer.
extension HTTP2Session {
    static func setCallbacks(_ callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, owner in
            guard let frame, let session = session(owner) else { return 0 }
            let isRequest = frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
            session.beginHeaders(frame.pointee.hd.stream_id, isRequest: isRequest)
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, owner in
            guard let frame, let session = session(owner) else { return 0 }
            return session.takeHeader(
                frame.pointee.hd.stream_id, UnsafeBufferPointer(start: name, count: nameCount),
                UnsafeBufferPointer(start: value, count: valueCount)
            ).rawValue
        }
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, frame, _, _, _, _, _, owner in
            guard let frame, let session = session(owner) else { return 0 }
            return session.refuseHeader(frame.pointee.hd.stream_id).rawValue
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
            guard let frame, let session = session(owner) else { return 0 }
            let header = frame.pointee.hd
            switch UInt32(header.type) {
            case NGHTTP2_HEADERS.rawValue: session.endHeaders(header.stream_id, endsStream: header.endsStream)
            case NGHTTP2_DATA.rawValue: if header.endsStream { session.endData(header.stream_id) }
            default: break
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, owner in
            session(owner)?.takeData(stream, UnsafeBufferPointer(start: bytes, count: count))
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, _, owner in
            session(owner)?.close(stream)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
            guard let frame, let session = session(owner) else { return 0 }
            let header = frame.pointee.hd
            let isData = UInt32(header.type) == NGHTTP2_DATA.rawValue
            guard isData || UInt32(header.type) == NGHTTP2_HEADERS.rawValue else { return 0 }
            session.sent(header.stream_id, isData: isData, endsStream: header.endsStream)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, owner in
            guard let frame, let session = session(owner) else { return 0 }
            let header = frame.pointee.hd
            // Without its headers an answer never ends.
            if UInt32(header.type) == NGHTTP2_HEADERS.rawValue {
                session.reset(header.stream_id, NGHTTP2_INTERNAL_ERROR)
            }
            return 0
        }
    }
}

private func session(_ owner: UnsafeMutableRawPointer?) -> HTTP2Session? {
    owner.map { Unmanaged<HTTP2Session>.fromOpaque($0).takeUnretainedValue() }
}

/// The reader of all bodies.
let readBody:
    @convention(c) (
        OpaquePointer?, Int32, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<UInt32>?,
        UnsafeMutablePointer<nghttp2_data_source>?, UnsafeMutableRawPointer?
    ) -> Int = { _, stream, buffer, count, flags, _, owner in
        guard let flags, let session = session(owner) else { return 0 }
        return session.read(stream, into: UnsafeMutableRawBufferPointer(start: buffer, count: count), &flags.pointee)
    }

extension nghttp2_frame_hd {
    fileprivate var endsStream: Bool { UInt32(flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0 }
}
