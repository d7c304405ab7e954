// SPDX-License-Identifier: MIT

import HTTP
import SystemCalls
import Text
import Transport

/// Which web pages may use the server.
///
/// A page of any site can make a visitor's browser send requests to a server on the visitor's own machine, and, if it lets
/// its own name lead there (DNS rebinding), read the answers. The browser says so, in Origin and in Host.
///
/// - Source: RFC 6454 (Origin), the Fetch standard (CORS).
package struct SiteRules: Equatable, Sendable {
    /// The names and numbers that the server listens on.
    package var boundHosts: [ByteText] = []
    /// The names that it has besides: `example.org`, `.example.org` for all below too, `*` for any. If there are some, the
    /// names of other machines are refused wherever the server listens.
    package var allowedHosts: [ByteText] = []
    /// The sites whose pages may ask it, `https://example.org`, or `*` for all.
    package var allowedOrigins: [ByteText] = []

    package init() {}

    /// Whether a text names a host for ``allowedHosts``.
    package static func isHost(_ text: ByteText) -> Bool {
        if text == "*" || IPAddress(text.string) != nil { return true }
        let name = text.hasPrefix(".") ? ByteText(decoding: text.utf8.dropFirst()) : text
        return !name.isEmpty && !name.hasPrefix(".")
            && name.utf8.allSatisfy {
                ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.dash || $0 == UInt8(ascii: ".")
                    || $0 == ASCII.underscore
            }
    }

    /// Whether a text is a site for ``allowedOrigins``: a scheme and a host, no path.
    package static func isOrigin(_ text: ByteText) -> Bool {
        if text == "*" { return true }
        guard let authority = authority(ofOrigin: text) else { return false }
        return authority.utf8.allSatisfy { ASCII.isVisible($0) && !"/?#@,".utf8.contains($0) }
    }

    /// Why a request is refused; nil if it is not.
    ///
    /// - Parameter wantsKeys: Whether each request must bring a key, which no foreign page has.
    func refusal(of head: RequestHead, from peer: Peer, wantsKeys: Bool) -> Response? {
        let checksHost = peer.isLocal || !allowedHosts.isEmpty
        let host = head.headers["host"]
        if checksHost, let host, !isOwn(host, peer), !isNameWithoutDot(host) {
            return ErrorResponse.make(
                .forbidden, "'\(host)' is not one of this server's names; its flag --allowed-hosts adds names")
        }
        guard let origin = head.headers["origin"], checksHost || !wantsKeys, !allows(origin: origin) else { return nil }
        // A page of the server's own has its name, and here a name without a dot is not enough.
        if let host, Self.authority(ofOrigin: origin) == host.lowercased, !checksHost || isOwn(host, peer) {
            return nil
        }
        return ErrorResponse.make(
            .forbidden, "pages of '\(origin)' may not use this server; its flag --cors lets a site in")
    }

    /// The answer to a browser that asks what a page may send; nil if the request is no such question, or from a site that
    /// is not let in.
    func preflight(_ head: RequestHead, methods: String) -> Response? {
        guard head.method == "OPTIONS", head.headers["access-control-request-method"] != nil,
            let origin = head.headers["origin"], allows(origin: origin)
        else { return nil }
        var response = Response(.ok)
        response.add("Access-Control-Allow-Methods", methods)
        response.add(
            "Access-Control-Allow-Headers",
            "Authorization, access_token, Content-Type, Content-Encoding, Inference-Header-Content-Length, X-Request-Id, "
                + "traceparent, X-Grpc-Web, X-User-Agent, Grpc-Timeout, Grpc-Encoding, Grpc-Accept-Encoding")
        response.add("Access-Control-Max-Age", "600")
        if head.headers["access-control-request-private-network"] == "true" {
            response.add("Access-Control-Allow-Private-Network", "true")
        }
        return response
    }

    /// What each answer tells a browser of the sites that may read it.
    func headers(for head: RequestHead) -> [(name: String, value: String)] {
        guard !allowedOrigins.isEmpty else { return [] }
        let vary = (name: "Vary", value: "Origin")
        guard let origin = head.headers["origin"], allows(origin: origin) else { return [vary] }
        let readers = allowedOrigins.contains("*") ? "*" : origin.string
        return [
            vary, ("Access-Control-Allow-Origin", readers),
            (
                "Access-Control-Expose-Headers",
                "X-Request-Id, Server-Timing, Retry-After, Model-Name, Model-Version, Model-Precision, Model-Degree, "
                    + "Turned-Degree, Exif-Degree, Confidence, Inference-Header-Content-Length, traceparent, Grpc-Status, Grpc-Message, "
                    + "Grpc-Accept-Encoding"
            ),
        ]
    }

    private func allows(origin: ByteText) -> Bool {
        let origin = origin.lowercased
        return allowedOrigins.contains { $0 == "*" || $0.lowercased == origin }
    }

    /// Whether a Host, which may have a port, is a name of this server.
    private func isOwn(_ host: ByteText, _ peer: Peer) -> Bool {
        if peer.isLocal, Self.isUsual(host) { return true }
        let name = Self.name(ofHost: host)
        if peer.isLocal, name == "localhost" || Self.isBelow(name, ".localhost") { return true }
        if let address = IPAddress(name.string) {
            if peer.isLocal && address.isLoopback { return true }
            return (boundHosts + allowedHosts).contains { $0 == "*" || IPAddress($0.string) == address }
        }
        return boundHosts.contains { $0.lowercased == name }
            || allowedHosts.contains { allowed in
                let allowed = allowed.lowercased
                if allowed == "*" { return true }
                guard allowed.hasPrefix(".") else { return allowed == name }
                return Self.isBelow(name, allowed) || ByteText(decoding: allowed.utf8.dropFirst()) == name
            }
    }

    /// Whether a Host has one label only, `server` for example, where ``allowedHosts`` says nothing. No stranger owns such a
    /// name, so no page of a stranger's can have it.
    private func isNameWithoutDot(_ host: ByteText) -> Bool {
        let name = Self.name(ofHost: host)
        return allowedHosts.isEmpty && !name.isEmpty && IPAddress(name.string) == nil
            && !name.utf8.contains { $0 == UInt8(ascii: ".") || $0 == ASCII.colon || $0 == UInt8(ascii: "[") }
    }

    /// The hosts that nearly all requests on loopback name, told without taking memory.
    private static func isUsual(_ host: ByteText) -> Bool {
        let bytes = host.utf8
        let name = bytes.prefix { $0 != ASCII.colon }
        let port = bytes[name.endIndex...].dropFirst()
        return (ASCII.equal(name, ignoringCase: "localhost") || ASCII.equal(name, ignoringCase: "127.0.0.1"))
            && port.allSatisfy(ASCII.isDigit)
    }

    private static func isBelow(_ name: ByteText, _ suffix: ByteText) -> Bool {
        name.utf8.count > suffix.utf8.count && name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// The name or number in a Host, without port, brackets and the dot of the root, in lower case.
    static func name(ofHost host: ByteText) -> ByteText {
        var bytes = Array(host.lowercased.utf8)[...]
        if let colon = bytes.lastIndex(of: ASCII.colon), bytes[colon...].dropFirst().allSatisfy(ASCII.isDigit),
            bytes.first == UInt8(ascii: "[") || bytes.firstIndex(of: ASCII.colon) == colon
        {
            bytes = bytes[..<colon]
        }
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]"), bytes.contains(ASCII.colon) {
            bytes = bytes.dropFirst().dropLast()
        }
        if bytes.last == UInt8(ascii: "."), bytes.count > 1 { bytes = bytes.dropLast() }
        return ByteText(decoding: bytes)
    }

    /// What stands behind `http://` or `https://`, in lower case.
    private static func authority(ofOrigin origin: ByteText) -> ByteText? {
        let origin = origin.lowercased
        for scheme in ["http://", "https://"] as [ByteText] where origin.hasPrefix(scheme) {
            let rest = ByteText(decoding: origin.utf8.dropFirst(scheme.utf8.count))
            return rest.isEmpty ? nil : rest
        }
        return nil
    }
}
