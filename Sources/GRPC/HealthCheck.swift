// SPDX-License-Identifier: MIT

import Protobuf
import Text

/// The messages of `grpc.health.v1.Health`.
package enum HealthCheck {
    /// Whether a service takes calls.
    package enum ServingStatus: Int, Sendable {
        case serving = 1
        case notServing = 2
        /// What ``GRPCStatus/Code/notFound`` is to those who ask once.
        case serviceUnknown = 3
    }

    /// The longest name that is looked for, in bytes.
    private static let maxNameBytes = 1024

    /// The service that a `HealthCheckRequest` asks for; empty for the server as a whole.
    ///
    /// - Throws: `ProtobufError`.
    package static func service(of request: ArraySlice<UInt8>) throws -> ByteText {
        try request.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var name: ByteText = ""
            while let field = try reader.next() {
                if field.number == 1 { name = ByteText(try field.string(limit: maxNameBytes)) }
            }
            return name
        }
    }

    /// A `HealthCheckResponse`.
    package static func response(_ status: ServingStatus) -> [UInt8] {
        var response = ProtobufWriter()
        response.write(1, int64: status.rawValue)
        return response.bytes
    }

    /// A `HealthListResponse`.
    package static func list(_ services: [String], _ status: ServingStatus) -> [UInt8] {
        var response = ProtobufWriter()
        for service in services {
            response.write(
                1,
                message: { entry in
                    entry.write(1, string: service)
                    entry.write(2, bytes: Self.response(status))
                })
        }
        return response.bytes
    }
}
