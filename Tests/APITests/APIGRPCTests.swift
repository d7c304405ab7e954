// SPDX-License-Identifier: MIT

import API
import HTTP
import Protobuf
import Protocols
import StubModels
import TestSupport
import Testing
import Transport

/// The services of gRPC, through gRPC-Web.
@Suite struct APIGRPCTests {
    private static let inference = "/inference.GRPCInferenceService/"
    private let api: API

    init() throws {
        api = try API.stub { policy in
            policy.allowsAdministration = true
            policy.modelVersions = { name in
                name == "turns"
                    ? [
                        ModelVersion(number: 1, file: "model.pth", trainAccuracy: 0.5, testAccuracy: 0.25),
                        ModelVersion(number: 3, file: "other.pth"),
                    ] : []
            }
        }
    }

    // MARK: Asking

    private func message(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        body(&writer)
        return writer.bytes
    }

    private func ask(
        _ path: String, _ message: [UInt8] = [], of api: API? = nil, headers: [String] = []
    ) throws -> (GRPCWeb.Answer, Response) {
        let response = try (api ?? self.api).answer(
            "POST", path, headers: [GRPCWeb.contentType] + headers, body: GRPCWeb.frame(message))
        let answer = try #require(GRPCWeb.Answer(response.body))
        #expect(response.status == .ok && response.grpcStatus == answer.status)
        return (answer, response)
    }

    /// The answer's only message, as its fields: numbers, texts and bytes.
    private func fields(_ path: String, _ message: [UInt8] = []) throws -> [Int: [Value]] {
        let (answer, _) = try ask(path, message)
        try #require(answer.status == 0 && answer.messages.count == 1, "\(answer)")
        return try fields(of: answer.messages[0])
    }

    private enum Value: Equatable {
        case number(Int), float(Float), bytes([UInt8])

        static func text(_ text: String) -> Value { .bytes(Array(text.utf8)) }
    }

    private func fields(of message: [UInt8]) throws -> [Int: [Value]] {
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var fields: [Int: [Value]] = [:]
            while let field = try reader.next() {
                let value: Value =
                    switch field.value {
                    case .varint(let value): .number(Int(truncatingIfNeeded: value))
                    case .fixed32(let bits): .float(Float(bitPattern: bits))
                    case .fixed64, .bytes: .bytes(Array(try field.bytes()))
                    }
                fields[field.number, default: []].append(value)
            }
            return fields
        }
    }

    private func image(_ content: [UInt8]) -> [UInt8] { message { $0.write(1, bytes: content) } }

    private func infer(_ name: String = "digits", _ pixels: [UInt8] = [7, 0, 0, 0], version: String = "") -> [UInt8] {
        message { request in
            request.write(1, string: name)
            if !version.isEmpty { request.write(2, string: version) }
            request.write(5) { tensor in
                tensor.write(1, string: "pixels")
                tensor.write(2, string: "UINT8")
                tensor.write(3, packed: [1, 2, 2, 1])
            }
            request.write(7, bytes: pixels)
        }
    }

    // MARK: The photo service

    /// The stub turns by the first byte, and says that EXIF had turned by 90 degrees.
    @Test(arguments: [(4, 360), (5, 270), (6, 180), (7, 90)] as [(UInt8, Int)])
    func aPhotosTurnIsTold(byte: UInt8, degree: Int) throws {
        let result = try fields("/InferenceImage/Inference", image([byte]))
        #expect(result == [1: [.number(degree)], 2: [.number(90)], 3: [.float(0.75)], 4: [.number(1)]])
        #expect(try ask("/InferenceImage/Inference", image([byte])).1.header("Model-Name") == "turns")
        let base64 = ["BA==", "BQ==", "Bg==", "Bw=="][Int(byte) - 4]
        #expect(try fields("/InferenceImage/Inference", image(Array(base64.utf8))) == result)
    }

    @Test func aPictureThatCannotBeReadIsRefusedInTheOldWords() throws {
        // What the stub knows as an image that is broken, and as none.
        for base64 in ["YnJva2Vu", "dGV4dA=="] {
            let (answer, _) = try ask("/InferenceImage/Inference", image(Array(base64.utf8)))
            #expect(answer.status == 3 && answer.text == "Invalid Image data Come" && answer.messages.isEmpty)
        }
        let (answer, _) = try ask("/InferenceImage/Inference", [0x0A, 9])
        #expect(answer.status == 3)
    }

    @Test func versionsAreThoseOfTheRepository() throws {
        let one: [Int: [Value]] = [
            1: [.number(1)], 2: [.text("1")], 3: [.float(0.5)], 4: [.float(0.25)], 5: [.text("model.pth")],
            6: [.number(1)],
        ]
        #expect(try fields("/ModelVersion/GetUsingModelVersion") == one)
        let (all, _) = try ask("/ModelVersion/GetAllModelVersion")
        #expect(all.status == 0)
        #expect(
            try all.messages.map(fields) == [one, [1: [.number(3)], 2: [.text("3")], 5: [.text("other.pth")]]])
    }

    /// Answers of commands hold nothing: what the supervisor is told is seen in the command itself.
    @Test func versionsAreChanged() throws {
        func command(_ method: String, _ body: [UInt8]) throws -> FleetCommand? {
            let lines = ["POST /\(method) HTTP/1.1", "Host: a", GRPCWeb.contentType]
            let head = try RequestHead(
                parsing: Array((lines.joined(separator: "\r\n") + "\r\n").utf8), limits: HTTPLimits())
            guard case .admitted(_, _, let handle) = api.admit(head, from: .here).1,
                case .command(let command) = handle(Request(head: head, body: GRPCWeb.frame(body)))
            else { return nil }
            return command
        }
        let use = FleetCommand.use(model: "turns", version: 3)
        #expect(try command("ModelVersion/Change", [0x08, 3]) == use)
        for path in ["3", "other.pth"] {
            #expect(try command("InferenceImage/LoadModel", image(Array(path.utf8))) == use)
        }
        #expect(
            try command("inference.GRPCInferenceService/RepositoryModelLoad", message { $0.write(2, string: "x") })
                == .load(model: "x"))
        #expect(
            try command(
                "inference.GRPCInferenceService/RepositoryModelUnload", message { $0.write(2, string: "turns") })
                == .unload(model: "turns"))
        #expect(
            try ask("/ModelVersion/Change", [0x08, 3]).0
                == GRPCWeb.Answer(GRPCWeb.frame([]) + GRPCWeb.frame(Array("grpc-status: 0\r\n".utf8), flags: 0x80)))
    }

    @Test(arguments: ["", "..", "/etc/passwd", "3/other.pth", "turns/3", "none.pth", "9", "../1"])
    func aPathIsNeverTaken(path: String) throws {
        let (answer, _) = try ask("/InferenceImage/LoadModel", image(Array(path.utf8)))
        #expect(answer.status == 3 && answer.text == "Invalid model path has come" && answer.messages.isEmpty)
    }

    @Test func anUnknownVersionIsNotFound() throws {
        let (answer, _) = try ask("/ModelVersion/Change", [0x08, 9])
        #expect(answer.status == 5 && answer.text == "there is no version 9 of the model 'turns'")
    }

    // MARK: Keys

    @Test func keysAndRightsAreWanted() throws {
        let keys = try APIKeys(Array("the-key-of-clients predict\nthe-key-of-admins1\n".utf8))
        let api = try API.stub { policy in
            policy.keys = keys
            policy.allowsAdministration = true
            policy.modelVersions = { _ in [ModelVersion(number: 1, file: "model.pth")] }
        }
        let client = ["access_token: the-key-of-clients"]
        for (path, body) in [
            ("/InferenceImage/Inference", image([4])), ("/ModelVersion/GetUsingModelVersion", []),
            ("/ModelVersion/GetAllModelVersion", []),
        ] {
            for headers in [[], ["access_token: wrong-wrong-wrong-wrong"]] {
                let (answer, _) = try ask(path, body, of: api, headers: headers)
                #expect(answer.status == 16 && answer.text == "Invalid signature" && answer.messages.isEmpty)
            }
            #expect(try ask(path, body, of: api, headers: client).0.status == 0)
            #expect(
                try ask(path, body, of: api, headers: ["Authorization: Bearer the-key-of-admins1"]).0.status == 0)
        }
        for (path, body) in [("/InferenceImage/LoadModel", image([49])), ("/ModelVersion/Change", [0x08, 1])] {
            #expect(try ask(path, body, of: api).0.text == "Invalid signature")
            #expect(try ask(path, body, of: api, headers: client).0.status == 7)
            #expect(try ask(path, body, of: api, headers: ["access_token: the-key-of-admins1"]).0.status == 0)
        }
        #expect(try ask(Self.inference + "ModelInfer", infer(), of: api).0.status == 16)
        #expect(try ask(Self.inference + "ModelInfer", infer(), of: api, headers: client).0.status == 0)
        // Probes and reflection are open.
        for path in [Self.inference + "ServerLive", Self.inference + "ServerReady", "/grpc.health.v1.Health/Check"] {
            #expect(try ask(path, of: api).0.status == 0)
        }
        // Without the flag nobody changes anything.
        let fixed = try API.stub { $0.keys = keys }
        #expect(
            try ask("/ModelVersion/Change", [0x08, 1], of: fixed, headers: ["access_token: the-key-of-admins1"]).0
                .status
                == 7)
    }

    // MARK: The Open Inference Protocol

    @Test func theServerIsDescribed() throws {
        #expect(try fields(Self.inference + "ServerLive") == [1: [.number(1)]])
        #expect(try fields(Self.inference + "ServerReady") == [1: [.number(1)]])
        #expect(try fields(Self.inference + "ServerMetadata")[1] == [.text("swiftnet")])
        let ready = message { $0.write(1, string: "digits") }
        #expect(try fields(Self.inference + "ModelReady", ready) == [1: [.number(1)]])
        let other = message {
            $0.write(1, string: "digits"); $0.write(2, string: "9")
        }
        #expect(try fields(Self.inference + "ModelReady", other) == [1: [.number(0)]])
        #expect(try ask(Self.inference + "ModelMetadata", other).0.status == 5)
        let metadata = try fields(Self.inference + "ModelMetadata", ready)
        #expect(metadata[1] == [.text("digits")] && metadata[2] == [.text("2")] && metadata[4]?.count == 3)
        let configuration = try fields(Self.inference + "ModelConfig", ready)
        guard case .bytes(let bytes)? = configuration[1]?.first else { throw ProtobufError.truncated(offset: 0) }
        #expect(try fields(of: bytes)[4] == [.number(256)] && fields(of: bytes)[6]?.count == 2)
        #expect(try fields(Self.inference + "ModelStatistics", ready)[1]?.count == 1)
        #expect(try fields(Self.inference + "ModelStatistics")[1]?.count == 2)
    }

    @Test func theRepositoryIsListed() throws {
        api.unloadable.note("bad", "it is cut off")
        #expect(try fields(Self.inference + "RepositoryIndex")[1]?.count == 3)
        #expect(try fields(Self.inference + "RepositoryIndex", message { $0.write(2, bool: true) })[1]?.count == 2)
        let parameter = message { request in
            request.write(2, string: "digits")
            request.write(3) { $0.write(1, string: "config") }
        }
        #expect(try ask(Self.inference + "RepositoryModelLoad", parameter).0.status == 3)
        #expect(try ask(Self.inference + "RepositoryModelLoad", message { $0.write(2, string: "../x") }).0.status == 3)
        #expect(try ask(Self.inference + "RepositoryModelUnload", message { $0.write(2, string: "x") }).0.status == 5)
    }

    @Test func modelsAreAsked() throws {
        let answer = try fields(Self.inference + "ModelInfer", infer())
        #expect(answer[1] == [.text("digits")] && answer[2] == [.text("2")])
        guard case .bytes(let raw)? = answer[6]?.first else { throw ProtobufError.truncated(offset: 0) }
        #expect(raw.count == 40 && Array(raw[28..<32]) == [0, 0, 0x40, 0x3F])
        #expect(try ask(Self.inference + "ModelInfer", infer()).1.header("Model-Version") == "2")
        #expect(try ask(Self.inference + "ModelInfer", infer(version: "2")).0.status == 0)
        let (missing, _) = try ask(Self.inference + "ModelInfer", infer("none"))
        #expect(missing.status == 5 && missing.text == "there is no model 'none'")
        #expect(try ask(Self.inference + "ModelInfer", infer(version: "9")).0.status == 5)
        #expect(try ask(Self.inference + "ModelInfer", infer("digits", [7])).0.status == 3)
        #expect(try ask(Self.inference + "ModelInfer", [0xFF]).0.status == 3)
    }

    /// Among the parameters of an answer, where it has some, and always in the metadata.
    @Test func aLoweredPrecisionIsNamed() throws {
        let lowered = try API.stub(precision: "int8")
        let (answer, response) = try ask(Self.inference + "ModelInfer", infer(), of: lowered)
        let parameter = message { entry in
            entry.write(1, string: "precision")
            entry.write(2) { $0.write(3, string: "int8") }
        }
        #expect(try fields(of: answer.messages[0])[4] == [.bytes(parameter)])
        #expect(response.header("Model-Precision") == "int8")
        #expect(try fields(Self.inference + "ModelInfer", infer())[4] == nil)
        let name = message { $0.write(1, string: "digits") }
        func ofLowered(_ method: String) throws -> [UInt8] {
            try ask(Self.inference + method, name, of: lowered).0.messages[0]
        }
        let property = message { entry in
            entry.write(1, string: "precision")
            entry.write(2, string: "int8")
        }
        #expect(try fields(of: ofLowered("ModelMetadata"))[6] == [.bytes(property)])
        #expect(try fields(Self.inference + "ModelMetadata", name)[6] == nil)
        guard case .bytes(let config)? = try fields(of: ofLowered("ModelConfig"))[1]?.first else {
            throw ProtobufError.truncated(offset: 0)
        }
        let configured = message { entry in
            entry.write(1, string: "precision")
            entry.write(2) { $0.write(1, string: "int8") }
        }
        #expect(try fields(of: config)[14]?.last == .bytes(configured))
        let photo = try ask("/InferenceImage/Inference", image([4]), of: lowered).1
        #expect(photo.header("Model-Precision") == "int8")
        #expect(try ask("/InferenceImage/Inference", image([4])).1.header("Model-Precision") == nil)
    }

    /// What is wrong with one message is no matter for the others.
    @Test func aStreamGoesOnAfterAnError() throws {
        let bodies = [infer(), infer("none"), infer()].flatMap { GRPCWeb.frame($0) }
        let response = try api.answer(
            "POST", Self.inference + "ModelStreamInfer", headers: [GRPCWeb.contentType], body: bodies)
        let answer = try #require(GRPCWeb.Answer(response.body))
        #expect(answer.status == 0)
        let answers = try answer.messages.map(fields)
        #expect(answers.map { Set($0.keys) } == [[2], [1], [2]])
        #expect(answers[1][1] == [.text("there is no model 'none'")])
    }

    // MARK: Health and reflection

    @Test func healthIsTold() throws {
        let path = "/grpc.health.v1.Health/"
        let service = image(Array("InferenceImage".utf8))
        for body in [[], service] { #expect(try fields(path + "Check", body) == [1: [.number(1)]]) }
        #expect(try ask(path + "Check", image(Array("none".utf8))).0.status == 5)
        #expect(try fields(path + "List")[1]?.count == 7)
        api.statistics.fleet[.isDraining] = 1
        #expect(try fields(path + "Check", service) == [1: [.number(2)]])
        #expect(try fields(Self.inference + "ServerReady") == [1: [.number(0)]])
    }

    @Test func reflectionListsTheServices() throws {
        for version in ["v1", "v1alpha"] {
            let answer = try fields(
                "/grpc.reflection.\(version).ServerReflection/ServerReflectionInfo", message { $0.write(7, string: "") }
            )
            guard case .bytes(let list)? = answer[6]?.first else { throw ProtobufError.truncated(offset: 0) }
            #expect(try fields(of: list)[1]?.count == 6)
        }
    }

    // MARK: What is no call

    @Test func otherPathsAndFormsAreRefused() throws {
        #expect(try ask("/InferenceImage/Nothing").0.status == 12)
        #expect(try ask("/inference").0.status == 12)
        #expect(try ask("/v2/models/digits/infer").0.status == 12)
        #expect(try ask("/InferenceImage/Inference", image([4]), headers: ["grpc-encoding: br"]).0.status == 12)
        #expect(try ask("/InferenceImage/Inference", image([4]), headers: ["grpc-timeout: x"]).0.status == 3)
        let json = try api.answer("POST", "/InferenceImage/Inference", headers: ["Content-Type: application/json"])
        #expect(json.status == .unsupportedMediaType && json.grpcStatus == nil)
        let text = try api.answer(
            "POST", "/InferenceImage/Inference", headers: ["Content-Type: application/grpc-web-text"])
        #expect(text.status == .unsupportedMediaType)
        let get = try api.answer("GET", "/InferenceImage/Inference")
        #expect(get.status == .methodNotAllowed && get.header("Allow") == "POST")
        // Without HTTP/2 there are no trailers.
        let plain = try api.answer("POST", "/InferenceImage/Inference", headers: ["Content-Type: application/grpc"])
        #expect(plain.grpcStatus == 3 && plain.trailers.contains { $0.value.contains("HTTP/2") })
    }

    @Test func browsersMayCall() throws {
        let api = try API.stub { $0.sites.allowedOrigins = ["https://app.example.org"] }
        let origin = "Origin: https://app.example.org"
        let preflight = try api.answer(
            "OPTIONS", "/InferenceImage/Inference",
            headers: [origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-grpc-web"])
        #expect(preflight.status == .ok)
        #expect(preflight.header("Access-Control-Allow-Headers")?.contains("X-Grpc-Web") == true)
        let other = try ask("/InferenceImage/Inference", image([4]), of: api, headers: ["Origin: https://evil.example"])
        #expect(other.0.status == 7)
        let lines = ["POST /InferenceImage/Inference HTTP/1.1", "Host: a", origin, GRPCWeb.contentType, ""]
        let head = try RequestHead(parsing: Array(lines.joined(separator: "\r\n").utf8), limits: HTTPLimits())
        #expect(
            api.headers(for: head).contains {
                $0.name == "Access-Control-Expose-Headers" && $0.value.contains("Grpc-Status")
            })
    }
}
