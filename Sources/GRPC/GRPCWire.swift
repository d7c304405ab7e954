// SPDX-License-Identifier: MIT

import HTTP
import Text

/// In which form a call comes and is answered.
package enum GRPCWire: Equatable, Sendable {
    /// gRPC: the status goes into the trailers, which only HTTP/2 has.
    case http2
    /// gRPC-Web, for browsers and over HTTP/1.1: the status is the body's last frame.
    case web

    /// The form that a request's Content-Type names; nil if the request is no call, or of a form that this server does not know.
    ///
    /// - Source: grpc.github.io, "gRPC over HTTP2" and "gRPC Web".
    package init?(_ headers: HeaderFields) {
        guard let type = headers["content-type"], type.utf8.count >= Self.prefix.utf8CodeUnitCount else { return nil }
        let bytes = type.utf8
        let rest = bytes.dropFirst(Self.prefix.utf8CodeUnitCount)
        guard ASCII.equal(bytes.prefix(Self.prefix.utf8CodeUnitCount), ignoringCase: Self.prefix) else { return nil }
        let subtype = rest.prefix { $0 != ASCII.semicolon && !ASCII.isBlank($0) }
        if subtype.isEmpty || ASCII.equal(subtype, ignoringCase: "+proto") {
            self = .http2
        } else if ASCII.equal(subtype, ignoringCase: "-web") || ASCII.equal(subtype, ignoringCase: "-web+proto") {
            self = .web
        } else {
            return nil
        }
    }

    private static let prefix: StaticString = "application/grpc"

    // MARK: Answers

    /// The encodings of messages that are read.
    private static let acceptedEncodings = "identity, gzip, deflate"

    /// The answer that holds messages, and says how the call ended.
    package func response(_ messages: [[UInt8]], _ status: GRPCStatus = .ok) -> Response {
        var body: [UInt8] = []
        body.reserveCapacity(messages.reduce(0) { $0 + $1.count + GRPCFrame.prefixBytes } + (self == .web ? 64 : 0))
        for message in messages { GRPCFrame.append(message, to: &body) }
        if self == .web { GRPCFrame.append(Self.trailers(status), flags: GRPCFrame.trailers, to: &body) }
        var response = Response(
            .ok, contentType: self == .web ? "application/grpc-web+proto" : "application/grpc", body: body)
        response.add("grpc-accept-encoding", Self.acceptedEncodings)
        if self == .http2 {
            response.addTrailer("grpc-status", String(status.code.rawValue))
            if !status.message.isEmpty { response.addTrailer("grpc-message", status.encodedMessage) }
        }
        response.grpcStatus = status.code.rawValue
        return response
    }

    /// Messages of an answer that goes on.
    package func part(_ messages: [[UInt8]]) -> Response {
        var response = Response(.ok)
        for message in messages { GRPCFrame.append(message, to: &response.body) }
        response.grpcStatus = GRPCStatus.Code.ok.rawValue
        return response
    }

    private static func trailers(_ status: GRPCStatus) -> [UInt8] {
        let message = status.message.isEmpty ? "" : "grpc-message: \(status.encodedMessage)\r\n"
        return Array("grpc-status: \(status.code.rawValue)\r\n\(message)".utf8)
    }

    /// What a response that was made for HTTP looks like as the answer to a call: an empty message, or the error with the same
    /// words. Its other header fields stay.
    package func rendered(_ response: Response) -> Response {
        if response.grpcStatus != nil { return response }
        let code = GRPCStatus.Code(response.status)
        var result = self.response(
            code == .ok ? [[]] : [], GRPCStatus(code, code == .ok ? "" : response.problem ?? response.status.reason))
        for header in response.headers where header.name != "Content-Type" { result.add(header.name, header.value) }
        result.closesConnection = response.closesConnection
        return result
    }
}
