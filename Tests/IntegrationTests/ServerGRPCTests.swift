// SPDX-License-Identifier: MIT

import Foundation
import Protobuf
import SystemCalls
import TestSupport
import Testing

/// gRPC's services against the real program, through gRPC-Web, which needs no client that others wrote.
@Suite(.serialized) struct ServerGRPCTests {
    private static let modes = ["process", "thread"]
    private static let client = "access_token: the-key-of-clients"
    private static let admin = "access_token: the-key-of-admins1"

    // MARK: Messages

    private func message(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        body(&writer)
        return writer.bytes
    }

    private func ask(
        _ server: ServerProcess, _ path: String, _ message: [UInt8] = [], headers: [String] = [Self.client]
    ) throws -> GRPCWeb.Answer {
        let answer = try server.connect().ask(
            "POST", path, headers: [GRPCWeb.contentType] + headers, body: GRPCWeb.frame(message))
        #expect(answer.status == 200)
        return try #require(GRPCWeb.Answer(answer.body))
    }

    /// The numbers of a message's integer fields.
    private func numbers(_ message: [UInt8]?) throws -> [Int: Int] {
        try #require(message).withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var numbers: [Int: Int] = [:]
            while let field = try reader.next() {
                if case .varint(let value) = field.value { numbers[field.number] = Int(truncatingIfNeeded: value) }
            }
            return numbers
        }
    }

    private static func example(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: ServerProcess.packageRoot.appending(path: "Examples/\(name)")))
    }

    // MARK: Servers

    /// A repository with two versions of the rotation model, whose file is the same.
    private static func makeRepository(_ folder: TemporaryFolder) throws -> URL {
        let repository = folder.url.appending(path: "Weights")
        let model = repository.appending(path: "rotation")
        try FileManager.default.createDirectory(at: repository, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: ServerProcess.packageRoot.appending(path: "Weights/rotation"), to: model)
        try FileManager.default.copyItem(at: model.appending(path: "2"), to: model.appending(path: "1"))
        try FileManager.default.moveItem(
            at: model.appending(path: "1/model.pth"), to: model.appending(path: "1/first.pth"))
        let file = model.appending(path: "model.json")
        let text = try String(contentsOf: file, encoding: .utf8).replacing(
            "\"versions\": {", with: "\"versions\": {\"1\": {\"file\": \"first.pth\", \"testAccuracy\": 0.5},")
        try Data(text.utf8).write(to: file)
        return repository
    }

    /// What a server of that repository is started with: two keys, administration, a state file.
    static func arguments(_ folder: TemporaryFolder, mode: String) throws -> [String] {
        let keys = folder.url.appending(path: "keys")
        try Data("the-key-of-clients predict,metrics\nthe-key-of-admins1\n".utf8).write(to: keys)
        return [
            "--weights", try makeRepository(folder).path, "--api-keys", keys.path, "--admin",
            "--state-file", folder.url.appending(path: "state").path, "--workers", mode == "process" ? "2" : "1",
        ]
    }

    private func version(_ server: ServerProcess) throws -> Int? {
        try numbers(try ask(server, "/ModelVersion/GetUsingModelVersion").messages.first)[1]
    }

    // MARK: Tests

    /// A JPEG that has EXIF data with an orientation.
    private func photo(orientation: UInt8) throws -> [UInt8] {
        let exif: [UInt8] =
            Array("Exif\0\0MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
            + [0, 0, 0, 0]
        return [0xFF, 0xD8, 0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif + (try Self.example("photo.jpg")).dropFirst(2)
    }

    @Test(arguments: modes) func photosAreAnsweredWithTheirTurn(mode: String) throws {
        let folder = try TemporaryFolder()
        let server = try ServerProcess(mode: mode, try Self.arguments(folder, mode: mode))
        func ask(_ content: [UInt8], headers: [String] = [Self.client]) throws -> GRPCWeb.Answer {
            try self.ask(
                server, "/InferenceImage/Inference", message { $0.write(1, bytes: content) }, headers: headers)
        }
        for (orientation, degrees) in zip(1..., [0, 0, 180, 180, 90, 270, 270, 90]) {
            let answer = try ask(photo(orientation: UInt8(orientation)))
            let result = try numbers(answer.messages.first)
            #expect(answer.status == 0 && result[2] ?? 0 == degrees && result[4] == 1, "\(orientation): \(answer)")
            #expect([90, 180, 270, 360].contains(result[1]), "\(result)")
        }
        let jpeg = try Self.example("photo.jpg")
        let plain = try ask(jpeg)
        #expect(try ask(Array(Data(jpeg).base64EncodedString().utf8)) == plain)
        #expect(try ask(Self.example("digit.png")).status == 0)
        for content in [[], Array("no picture".utf8), Array(jpeg.prefix(50))] {
            let answer = try ask(content)
            #expect(answer.status == 3 && answer.text == "Invalid Image data Come" && answer.messages.isEmpty)
        }
        for headers in [[], ["access_token: the-key-of-nobody-1"]] {
            let answer = try ask(jpeg, headers: headers)
            #expect(answer.status == 16 && answer.text == "Invalid signature")
        }
        let metrics = try server.ask("GET", "/metrics", headers: [Self.client]).text
        for (code, count) in [("OK", 11), ("INVALID_ARGUMENT", 3), ("UNAUTHENTICATED", 2)] {
            #expect(metrics.contains("swiftnet_requests_total{route=\"grpc_photo\",code=\"\(code)\"} \(count)\n"))
        }
    }

    @Test(arguments: modes) func anotherVersionIsUsedEverywhereAndAfterARestart(mode: String) throws {
        let folder = try TemporaryFolder()
        let arguments = try Self.arguments(folder, mode: mode)
        do {
            let server = try ServerProcess(mode: mode, arguments)
            let all = try ask(server, "/ModelVersion/GetAllModelVersion")
            #expect(try all.messages.map { try numbers($0) } == [[1: 1], [1: 2, 6: 1]])
            #expect(try ask(server, "/ModelVersion/Change", [0x08, 1]).status == 7)
            #expect(try ask(server, "/ModelVersion/Change", [0x08, 9], headers: [Self.admin]).status == 5)
            let path = message { $0.write(1, string: "/etc/passwd") }
            let refused = try ask(server, "/InferenceImage/LoadModel", path, headers: [Self.admin])
            #expect(refused.status == 3 && refused.text == "Invalid model path has come")
            #expect(try version(server) == 2)

            let old = Set(server.workers)
            let changed = try ask(server, "/ModelVersion/Change", [0x08, 1], headers: [Self.admin])
            #expect(changed.status == 0 && changed.messages == [[]])
            #expect(eventually { old.isDisjoint(with: server.workers) })
            for _ in 0..<10 { #expect(try version(server) == 1) }
            // Settings that are read again do not undo it.
            let reloads = try reloadCount(server)
            server.supervisor.send(SignalNumber.hangUp)
            #expect(eventually { try reloadCount(server) > reloads })
            #expect(eventually { try version(server) == 1 })
            server.supervisor.send(SignalNumber.terminate)
            #expect(try server.wait() == .exited(0))
        }
        let server = try ServerProcess(mode: mode, arguments)
        #expect(try version(server) == 1)
        let file = message { $0.write(1, string: "model.pth") }
        #expect(try ask(server, "/InferenceImage/LoadModel", file, headers: [Self.admin]).status == 0)
        #expect(eventually { try version(server) == 2 })
        let state = try String(contentsOf: folder.url.appending(path: "state"), encoding: .utf8)
        #expect(state == "use rotation@2\n")
    }

    private func reloadCount(_ server: ServerProcess) throws -> Int {
        let lines = try server.ask("GET", "/metrics", headers: [Self.client]).text.split(separator: "\n")
        return lines.first { $0.hasPrefix("swiftnet_reloads_total ") }.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    }

    @Test(arguments: modes) func aDamagedStateFileEndsTheStart(mode: String) throws {
        let folder = try TemporaryFolder()
        let state = folder.url.appending(path: "state")
        try Data("nonsense\n".utf8).write(to: state)
        let server = try ServerProcess(mode: mode, ["--state-file", state.path], waitsForReadiness: false)
        #expect(try server.wait() != .exited(0))
        #expect(server.errors.contains("state-file"), "\(server.errors)")
        #expect(try String(contentsOf: state, encoding: .utf8) == "nonsense\n")
    }

    private static let hasCurl = FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")

    /// Messages and trailers of a call by curl, which speaks HTTP/2 without knowing gRPC.
    private func call(
        _ server: ServerProcess, _ path: String, _ body: [UInt8], headers: [String] = [Self.client]
    ) throws -> (body: [UInt8], headers: String) {
        let files = try TemporaryFolder()
        try Data(body).write(to: files.url.appending(path: "call"))
        let socket = server.address.description.dropFirst("unix:".count)
        let flags = (["Content-Type: application/grpc", "TE: trailers"] + headers).flatMap { ["-H", $0] }
        let result = try Command.run(
            path: "/usr/bin/curl",
            [
                "-sS", "-m", "20", "--http2-prior-knowledge", "--unix-socket", String(socket), "-D", "-", "-o",
                files.path("answer"), "--data-binary", "@" + files.path("call"),
            ] + flags + ["http://localhost" + path])
        #expect(result.exitCode == 0, "\(result.errors)")
        let answer = (try? Data(contentsOf: files.url.appending(path: "answer"))) ?? Data()
        return (Array(answer), result.output)
    }

    @Test(.enabled(if: hasCurl, "curl is not installed"), arguments: modes)
    func callsOverHTTP2EndWithTrailers(mode: String) throws {
        let folder = try TemporaryFolder()
        let server = try ServerProcess(mode: mode, try Self.arguments(folder, mode: mode))
        let photo = GRPCWeb.frame(message { $0.write(1, bytes: (try? Self.example("photo.jpg")) ?? []) })
        let good = try call(server, "/InferenceImage/Inference", photo)
        #expect(good.headers.contains("HTTP/2 200") && good.headers.contains("grpc-status: 0"), "\(good.headers)")
        #expect(good.body.suffix(2) == [0x20, 1], "success is the last field")
        let wrong = try call(server, "/InferenceImage/Inference", photo, headers: ["access_token: the-key-of-nobody-1"])
        #expect(wrong.body.isEmpty && wrong.headers.contains("grpc-status: 16"))
        #expect(wrong.headers.contains("grpc-message: Invalid signature"))
        // Above --max-body-bytes, and above what a call that the event loop answers may have.
        for (path, count) in [("/InferenceImage/Inference", 17 << 20), ("/ModelVersion/Change", 20_000)] {
            let large = try call(
                server, path, GRPCWeb.frame(Array(repeating: 0, count: count)), headers: [Self.admin])
            #expect(large.headers.contains("grpc-status: 8"), "\(large.headers)")
        }
        let unknown = try call(server, "/InferenceImage/Nothing", [])
        #expect(unknown.headers.contains("grpc-status: 12"), "\(unknown.headers)")
        // Three questions on one stream.
        let list = GRPCWeb.frame(message { $0.write(7, string: "") })
        let answers = try call(
            server, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", list + list + list, headers: [])
        #expect(answers.headers.contains("grpc-status: 0"))
        let frame = Array(answers.body.prefix(answers.body.count / 3))
        #expect(frame.count > 100 && answers.body == frame + frame + frame)
        // A message that is cut off.
        let cut = try call(
            server, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", list.dropLast(), headers: [])
        #expect(cut.headers.contains("grpc-status: 3"), "\(cut.headers)")
    }

    /// A watch of health is open until the server ends, and tells of it.
    @Test(.enabled(if: hasCurl, "curl is not installed"), arguments: modes)
    func aWatchLastsUntilTheServerEnds(mode: String) throws {
        let files = try TemporaryFolder()
        let server = try ServerProcess(mode: mode, ["--model", "mnist-mlp", "--access-log", files.path("log")])
        try Data(GRPCWeb.frame([])).write(to: files.url.appending(path: "call"))
        let command = [
            "/usr/bin/curl", "-sS", "-N", "-m", "60", "--http2-prior-knowledge", "--unix-socket",
            String(server.address.description.dropFirst("unix:".count)), "-D", files.path("headers"), "-o",
            files.path("answer"), "-H", "Content-Type: application/grpc", "-H", "TE: trailers", "--data-binary",
            "@" + files.path("call"), "http://localhost/grpc.health.v1.Health/Watch",
        ]
        let curl = try ChildProcess(
            executable: command[0], arguments: command, environment: ProcessEnvironment.variables, descriptors: [])
        func answer() -> [UInt8] { (try? Data(contentsOf: files.url.appending(path: "answer"))).map(Array.init) ?? [] }
        let serving = GRPCWeb.frame([0x08, 1])
        #expect(eventually { answer() == serving })
        SystemClock.sleep(milliseconds: 1500)
        #expect(isRunning(curl) && answer() == serving)
        server.supervisor.send(SignalNumber.terminate)
        // curl takes the notice that the connection will end for its end; the log has what was sent.
        #expect(eventually { !isRunning(curl) })
        _ = try curl.wait()
        #expect(try server.wait() == .exited(0))
        let log = try String(contentsOf: files.url.appending(path: "log"), encoding: .utf8)
        #expect(log.contains("/grpc.health.v1.Health/Watch\" 200") && log.contains("grpc-status=14"), "\(log)")
    }

    /// 784 numbers, raw and typed, give the same logits as REST.
    @Test(arguments: modes) func modelsAreAskedByTheOpenInferenceProtocol(mode: String) throws {
        let server = try ServerProcess(mode: mode, ["--model", "mnist-mlp", "--access-log", "-"])
        let numbers = (0..<784).map { Float($0 % 7) / 7 }
        let raw = numbers.flatMap { number in withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) } }
        func request(_ isRaw: Bool) -> [UInt8] {
            message { request in
                request.write(1, string: "mnist-mlp")
                request.write(5) { tensor in
                    tensor.write(1, string: "input")
                    tensor.write(2, string: "FP32")
                    tensor.write(3, packed: [1, 784])
                    if !isRaw { tensor.write(5) { $0.write(6, packed: numbers) } }
                }
                if isRaw { request.write(7, bytes: raw) }
            }
        }
        let path = "/inference.GRPCInferenceService/ModelInfer"
        let answers = try [true, false].map { try ask(server, path, request($0), headers: []) }
        #expect(answers.map(\.status) == [0, 0])
        let rest = try server.connect().ask(
            "POST", "/v2/models/mnist-mlp/infer", headers: ["Inference-Header-Content-Length: 0"], body: raw)
        let logits = Array(rest.body.suffix(40))
        // Raw, they are the message's last field; typed, the last of its last.
        for answer in answers { #expect(answer.messages.first?.suffix(40) == logits[...]) }
        let none = try ask(server, path, message { $0.write(1, string: "none") }, headers: [])
        #expect(none.status == 5 && none.text == "there is no model 'none'")
    }
}
