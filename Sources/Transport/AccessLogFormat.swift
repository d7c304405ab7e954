// SPDX-License-Identifier: MIT

import HTTP
import JSON
import SystemCalls
import Text

/// How the lines of the access log look.
package enum AccessLogFormat: Equatable, Sendable {
    /// Time, client, request, status, sizes and name, for people.
    case text
    /// The same as JSON, a document a line.
    case json
    /// Text with gunicorn's atoms in it, `%(h)s` for example.
    case atoms([Part], text: String)

    /// A piece of a line.
    package enum Part: Equatable, Sendable {
        case literal(String)
        case atom(Atom)
    }

    /// What gunicorn's `--access-logformat` names.
    package enum Atom: Equatable, Sendable {
        case client, nothing, date, requestLine, method, path, query, version, status, bytes, bytesOrDash, referrer
        case userAgent, seconds, milliseconds, microseconds, decimalSeconds, process
        case requestHeader(ByteText)
        case responseHeader(ByteText)

        fileprivate init?(_ name: ByteText) {
            switch name {
            case "h": self = .client
            case "l", "u": self = .nothing
            case "t": self = .date
            case "r": self = .requestLine
            case "m": self = .method
            case "U": self = .path
            case "q": self = .query
            case "H": self = .version
            case "s": self = .status
            case "B": self = .bytes
            case "b": self = .bytesOrDash
            case "f": self = .referrer
            case "a": self = .userAgent
            case "T": self = .seconds
            case "M": self = .milliseconds
            case "D": self = .microseconds
            case "L": self = .decimalSeconds
            case "p": self = .process
            default:
                let bytes = Array(name.utf8)
                guard bytes.count > 3, bytes.first == UInt8(ascii: "{"), bytes[bytes.count - 2] == UInt8(ascii: "}"),
                    bytes[1..<(bytes.count - 2)].allSatisfy(ASCII.isToken)
                else { return nil }
                let header = ByteText(decoding: bytes[1..<(bytes.count - 2)]).lowercased
                switch bytes.last {
                // Keys are never logged.
                case UInt8(ascii: "i") where !Self.secrets.contains(header): self = .requestHeader(header)
                case UInt8(ascii: "o"): self = .responseHeader(header)
                default: return nil
                }
            }
        }

        private static let secrets: [ByteText] = ["authorization", "access_token", "proxy-authorization", "cookie"]
    }

    /// Reads `text`, `json` or text with atoms.
    ///
    /// - Returns: nil if it is none of these, or has an atom that is not known or that would log a key.
    package init?(_ text: String) {
        switch ByteText(text) {
        case "text": self = .text
        case "json": self = .json
        case let format:
            guard let parts = Self.parts(format), parts.contains(where: { $0.isAtom }) else { return nil }
            self = .atoms(parts, text: text)
        }
    }

    /// The text that ``init(_:)`` reads.
    package var description: String {
        switch self {
        case .text: "text"
        case .json: "json"
        case .atoms(_, let text): text
        }
    }

    private static func parts(_ format: ByteText) -> [Part]? {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = Array(format.utf8)[...]
        guard !rest.contains(where: ASCII.isControl) else { return nil }
        while let byte = rest.popFirst() {
            guard byte == ASCII.percent else {
                literal.append(byte)
                continue
            }
            switch rest.popFirst() {
            case ASCII.percent: literal.append(ASCII.percent)
            case UInt8(ascii: "("):
                guard let end = rest.firstIndex(of: UInt8(ascii: ")")),
                    rest[end...].dropFirst().first == UInt8(ascii: "s"),
                    let atom = Atom(ByteText(decoding: rest[..<end]))
                else { return nil }
                if !literal.isEmpty { parts.append(.literal(String(decoding: literal, as: UTF8.self))) }
                literal = []
                parts.append(.atom(atom))
                rest = rest[end...].dropFirst(2)
            default: return nil
            }
        }
        if !literal.isEmpty { parts.append(.literal(String(decoding: literal, as: UTF8.self))) }
        return parts
    }
}

extension AccessLogFormat.Part {
    fileprivate var isAtom: Bool {
        if case .atom = self { true } else { false }
    }
}

extension AccessLogFormat {
    /// The line for a request, without its end.
    package func line(_ entry: AccessLog.Entry) -> [UInt8] {
        switch self {
        case .text: Array(Self.text(entry).utf8)
        case .json: Self.json(entry).bytes()
        case .atoms(let parts, _):
            Array(
                parts.map { part in
                    switch part {
                    case .literal(let text): text
                    case .atom(let atom): Self.value(atom, entry)
                    }
                }.joined().utf8)
        }
    }

    private static func text(_ entry: AccessLog.Entry) -> String {
        let head = entry.head
        let request = "\(quoted(head?.method)) \(quoted(head?.target.path))"
        let trace = (entry.grpcStatus.map { " grpc-status=\($0)" } ?? "") + (entry.trace.map { " \($0)" } ?? "")
        return "[\(entry.date)] \(entry.clientText) \"\(request)\" \(entry.status) \(entry.byteCount) "
            + "\(entry.nanoseconds / 1000)us \(entry.id) \"\(quoted(head?.headers["user-agent"]))\"\(trace)"
    }

    private static func json(_ entry: AccessLog.Entry) -> JSONValue {
        let head = entry.head
        var members: [(String, JSONValue)] = [
            ("time", .string(entry.date)), ("client", entry.client.map { .string($0.description) } ?? .null),
            ("method", .string(head?.method.string ?? "-")), ("path", .string(head?.target.path.string ?? "-")),
            ("status", .integer(entry.status)), ("bytes", .integer(entry.byteCount)),
            ("microseconds", .integer(Int(clamping: entry.nanoseconds / 1000))),
            ("user_agent", (head?.headers["user-agent"]).map { .string($0.shown(maxBytes: maxValueBytes)) } ?? .null),
        ]
        if let status = entry.grpcStatus { members.append(("grpc_status", .integer(status))) }
        if let trace = entry.trace { members.append(("traceparent", .string(trace))) }
        members.append(("id", .string(entry.id)))
        return .object(members)
    }

    private static func value(_ atom: Atom, _ entry: AccessLog.Entry) -> String {
        let head = entry.head
        let target = head?.target
        let version = head?.version.name ?? "-"
        let query = target?.query.map { "?\(quoted($0))" } ?? ""
        let microseconds = Int(clamping: entry.nanoseconds / 1000)
        switch atom {
        case .client: return entry.clientText
        case .nothing: return "-"
        case .date: return "[\(clfDate(entry.date))]"
        case .requestLine:
            return head == nil ? "-" : "\(quoted(head?.method)) \(quoted(target?.path))\(query) \(version)"
        case .method: return quoted(head?.method)
        case .path: return quoted(target?.path)
        case .query: return target?.query.map { quoted($0) } ?? ""
        case .version: return version
        case .status: return String(entry.status)
        case .bytes: return String(entry.byteCount)
        case .bytesOrDash: return entry.byteCount == 0 ? "-" : String(entry.byteCount)
        case .referrer: return quoted(head?.headers["referer"])
        case .userAgent: return quoted(head?.headers["user-agent"])
        case .seconds: return String(microseconds / 1_000_000)
        case .milliseconds: return String(microseconds / 1000)
        case .microseconds: return String(microseconds)
        case .decimalSeconds:
            let digits = String(microseconds % 1_000_000)
            return "\(microseconds / 1_000_000).\(String(repeating: "0", count: 6 - digits.count))\(digits)"
        case .process: return "<\(CurrentProcess.id)>"
        case .requestHeader(let name): return quoted(head?.headers[name])
        case .responseHeader(let name):
            return quoted(entry.headers.first { ByteText($0.name).lowercased == name }.map { ByteText($0.value) })
        }
    }

    /// The longest value of a client's that a line repeats.
    static let maxValueBytes = 512

    /// A client's text, fit to stand between quotation marks; `-` if there is none. What is not printable ASCII, and what
    /// would end the quotation, is written as `\xHH`.
    static func quoted(_ text: ByteText?) -> String {
        guard let text else { return "-" }
        let bytes = text.utf8.prefix(maxValueBytes)
        let isPlain = bytes.allSatisfy { ASCII.isPrintable($0) && $0 != ASCII.quote && $0 != ASCII.backslash }
        if isPlain { return String(decoding: bytes, as: UTF8.self) }
        return bytes.map { byte in
            if ASCII.isPrintable(byte) && byte != ASCII.quote && byte != ASCII.backslash {
                return String(UnicodeScalar(byte))
            }
            let digits = String(byte, radix: 16)
            return "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
        }.joined()
    }

    /// "26/Nov/2026:00:20:00 +0000" of "Thu, 26 Nov 2026 00:20:00 GMT".
    private static func clfDate(_ date: String) -> String {
        let parts = date.split(separator: " ")
        guard parts.count == 6 else { return date }
        return "\(parts[1])/\(parts[2])/\(parts[3]):\(parts[4]) +0000"
    }
}
