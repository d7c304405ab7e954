// SPDX-License-Identifier: MIT

import GRPC
import Protobuf
import Testing

@Suite struct ServerReflectionTests {
    private func request(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        body(&writer)
        return writer.bytes
    }

    /// The answer's fields, and the bytes of each.
    private func ask(_ body: (inout ProtobufWriter) -> Void) throws -> [Int: [UInt8]] {
        try fields(of: ServerReflection.answer(request(body)[...], services: ["a.B", "C"]))
    }

    private func fields(of message: [UInt8]) throws -> [Int: [UInt8]] {
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var fields: [Int: [UInt8]] = [:]
            while let field = try reader.next() {
                let bytes: [UInt8] =
                    if case .varint(let value) = field.value { [UInt8(truncatingIfNeeded: value)] } else {
                        Array(try field.bytes())
                    }
                fields[field.number, default: []] += bytes
            }
            return fields
        }
    }

    @Test func servicesAreListed() throws {
        let answer = try ask { writer in
            writer.write(1, string: "host")
            writer.write(7, string: "")
        }
        #expect(answer[1] == Array("host".utf8))
        #expect(
            answer[2]
                == request {
                    $0.write(1, string: "host"); $0.write(7, string: "")
                })
        #expect(
            answer[6]
                == request { list in
                    list.write(1) { $0.write(1, string: "a.B") }
                    list.write(1) { $0.write(1, string: "C") }
                })
    }

    /// A descriptor's first field is the file's name, which must be the one that was asked for.
    @Test(arguments: [
        ("inference.GRPCInferenceService", "grpc_predict_v2.proto"),
        ("inference.ModelInferRequest", "grpc_predict_v2.proto"),
        ("inference.ModelInferRequest.InferInputTensor", "grpc_predict_v2.proto"),
        ("inference.GRPCInferenceService.ModelInfer", "grpc_predict_v2.proto"),
        ("InferenceImage", "photo_service.proto"), ("ModelVersionInfo", "photo_service.proto"),
        ("grpc.health.v1.Health", "grpc/health/v1/health.proto"),
        ("grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"),
        ("grpc.reflection.v1.ServerReflection", "grpc/reflection/v1/reflection.proto"),
        ("grpc.reflection.v1alpha.ServerReflection", "grpc/reflection/v1alpha/reflection.proto"),
    ])
    func filesAreFoundBySymbolAndName(symbol: String, name: String) throws {
        let bySymbol = try #require(try ask { $0.write(4, string: symbol) }[4])
        let byName = try #require(try ask { $0.write(3, string: name) }[4])
        #expect(bySymbol == byName)
        let descriptor = try #require(try fields(of: bySymbol)[1])
        #expect(try fields(of: descriptor)[1] == Array(name.utf8))
    }

    @Test func whatIsNotThereIsAnError() throws {
        for number in [3, 4, 5, 6] {
            let answer = try #require(try ask { $0.write(number, string: number == 5 ? "" : "none.Such") }[7])
            #expect(try fields(of: answer)[1] == [5])
        }
        #expect(try fields(of: #require(try ask { _ in }[7]))[1] == [3])
        #expect(throws: ProtobufError.self) { try ServerReflection.answer([0x22, 9], services: []) }
        #expect(throws: ProtobufError.self) {
            try ServerReflection.answer(
                request { $0.write(4, string: String(repeating: "a", count: 2000)) }[...], services: [])
        }
    }
}
