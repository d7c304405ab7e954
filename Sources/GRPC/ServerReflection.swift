// SPDX-License-Identifier: MIT

import Protobuf
import Text

/// Answers `grpc.reflection.v1.ServerReflection`, and `v1alpha`, whose messages are the same.
///
/// - Source: github.com/grpc/grpc, doc/server-reflection.md.
package enum ServerReflection {
    /// The longest name that is looked for, in bytes.
    private static let maxNameBytes = 1024

    /// The fields of a request that say what is asked for.
    private enum Question {
        case file(name: ByteText)
        case symbol(ByteText)
        case extensionField, extensionNumbers
        case services
    }

    /// Answers one request.
    ///
    /// - Parameters:
    ///   - request: A `ServerReflectionRequest`.
    ///   - services: The full names of the services that the server has.
    /// - Returns: A `ServerReflectionResponse`.
    /// - Throws: `ProtobufError`.
    package static func answer(_ request: ArraySlice<UInt8>, services: [String]) throws -> [UInt8] {
        let (host, question) = try read(request)
        var response = ProtobufWriter()
        if !host.isEmpty { response.write(1, string: host.string) }
        response.write(2, bytes: request)
        switch question {
        case .services:
            response.write(6) { list in
                for service in services { list.write(1) { $0.write(1, string: service) } }
            }
        case .file(let name): writeFile(&response, ProtoFile.all.first { ByteText($0.name) == name }, name)
        case .symbol(let name): writeFile(&response, ProtoFile.all.first { $0.symbols.contains(name) }, name)
        case .extensionField, .extensionNumbers:
            writeError(&response, GRPCStatus(.notFound, "no message here has extensions"))
        case nil:
            writeError(&response, GRPCStatus(.invalidArgument, "the request asks for nothing that this server knows"))
        }
        return response.bytes
    }

    private static func read(_ request: ArraySlice<UInt8>) throws -> (host: ByteText, Question?) {
        try request.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var host: ByteText = ""
            var question: Question?
            while let field = try reader.next() {
                func text() throws -> ByteText { ByteText(try field.string(limit: maxNameBytes)) }
                switch field.number {
                case 1: host = try text()
                case 3: question = .file(name: try text())
                case 4: question = .symbol(try text())
                case 5: question = .extensionField
                case 6: question = .extensionNumbers
                case 7: question = .services
                default: break
                }
            }
            return (host, question)
        }
    }

    private static func writeFile(_ response: inout ProtobufWriter, _ file: ProtoFile?, _ name: ByteText) {
        guard let file else { return writeError(&response, GRPCStatus(.notFound, "there is no '\(name)'")) }
        response.write(4) { $0.write(1, bytes: file.bytes) }
    }

    private static func writeError(_ response: inout ProtobufWriter, _ status: GRPCStatus) {
        response.write(7) { error in
            error.write(1, int64: status.code.rawValue)
            error.write(2, string: status.message)
        }
    }
}
