// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// Who may ask the real server, and what its log says of it, in both modes.
@Suite(.serialized) struct ServerAccessTests {
    private func start(_ mode: String, _ more: [String] = [], waits: Bool = true) throws -> ServerProcess {
        try ServerProcess(
            mode: mode, (mode == "process" ? ["--workers", "1"] : ["--threads", "1"]) + more, waitsForReadiness: waits)
    }

    private func raw(_ server: ServerProcess, _ lines: String...) throws -> RawClient.Answer {
        let client = try server.connect()
        try client.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        return try client.answer()
    }

    /// A page of another site, and one whose own name leads here, can neither use nor change it.
    @Test(arguments: ServerTests.modes) func otherSitesPagesAreRefused(mode: String) throws {
        let server = try start(mode, ["--admin", "--cors", "https://app.example.org"])
        let unload = "POST /v2/repository/models/mnist-mlp/unload HTTP/1.1"
        let rest = ["Content-Type: text/plain", "Content-Length: 0"]
        for lines in [
            [unload, "Host: localhost", "Origin: http://evil.example"] + rest,
            [unload, "Host: localhost", "Origin: null"] + rest,
            [unload, "Host: rebound.evil.example", "Origin: http://rebound.evil.example"] + rest,
            ["GET /v2/models HTTP/1.1", "Host: rebound.evil.example"],
            ["GET http://rebound.evil.example/v2/models HTTP/1.1", "Host: rebound.evil.example"],
        ] {
            let client = try server.connect()
            try client.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
            #expect(try client.answer().status == 403, "\(lines)")
        }
        #expect(try server.ask("GET", "/v2/models/mnist-mlp").status == 200)
        let own = try raw(server, "GET /v2/models HTTP/1.1", "Host: localhost", "Origin: https://app.example.org")
        #expect(own.status == 200 && own.headers["access-control-allow-origin"] == "https://app.example.org")
        // A refusal, too, can be read by the site that is let in.
        let none = try raw(server, "GET /none HTTP/1.1", "Host: localhost", "Origin: https://app.example.org")
        #expect(none.status == 404 && none.headers["access-control-allow-origin"] == "https://app.example.org")
    }

    @Test(arguments: ServerTests.modes) func keysHaveTheirRights(mode: String) throws {
        let folder = try TemporaryFolder()
        let keys = "predict-0123456789 predict\nmetrics-0123456789 metrics\nall-0123456789abcd\n"
        try Data(keys.utf8).write(to: folder.url.appending(path: "keys"))
        let server = try start(mode, ["--admin", "--api-keys", folder.path("keys")])
        func status(_ method: String, _ path: String, _ key: String, _ text: String = "") throws -> Int {
            try server.ask(method, path, headers: ["access_token: \(key)"], text: text).status
        }
        #expect(try status("POST", "/inference", "predict-0123456789", ServerProcess.digit) == 200)
        #expect(try status("GET", "/metrics", "predict-0123456789") == 403)
        #expect(try status("GET", "/metrics", "metrics-0123456789") == 200)
        #expect(try status("POST", "/inference", "metrics-0123456789", ServerProcess.digit) == 403)
        #expect(try status("POST", "/v2/repository/models/none/load", "predict-0123456789") == 403)
        #expect(try status("POST", "/v2/repository/models/none/load", "all-0123456789abcd") == 400)
        #expect(try status("GET", "/metrics", "none-0123456789abc") == 401)
    }

    @Test(arguments: ServerTests.modes) func theLogTellsWhoseRequestItWas(mode: String) throws {
        let folder = try TemporaryFolder()
        let server = try start(mode, ["--access-logfile", folder.path("log"), "--log-format", "json"])
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let answer = try server.ask(
            "GET", "/v2",
            headers: ["X-Forwarded-For: 6.6.6.6, 192.0.2.7", "User-Agent: test/1", "traceparent: \(trace)"])
        #expect(answer.headers["traceparent"] == trace)
        let bad = try raw(server, "BAD")
        #expect(bad.status == 400)
        let id = try #require(bad.headers["x-request-id"])
        let text = try String(contentsOfFile: folder.path("log"), encoding: .utf8)
        #expect(text.contains(#""client":"192.0.2.7","method":"GET","path":"/v2","status":200"#), "\(text)")
        #expect(text.contains(#""user_agent":"test/1","traceparent":"\#(trace)""#))
        #expect(text.contains(#""status":400"#) && text.contains(#""id":"\#(id)"}"#))
    }

    @Test(arguments: [
        (["--log-format", "%(h)s %({authorization}i)s"], "log-format: expected text, json"),
        (["--forwarded-allow-ips", "10.0.0.0/99"], "forwarded-allow-ips: expected addresses"),
        (["--allowed-hosts", "a:80"], "allowed-hosts: expected names"),
        (["--cors", "https://a/b"], "cors: expected sites"),
    ])
    func wrongSettingsEndTheStart(flags: [String], expected: String) throws {
        let result = try Command.run("swiftnet", ["serve"] + flags)
        #expect(result.exitCode == 64)
        #expect(result.errors.contains(expected), "\(result.errors)")
    }

    @Test(arguments: ServerTests.modes, ["no-such-model", "rotation"])
    func aDigitModelThatIsNoneDoesNotStart(mode: String, model: String) throws {
        let server = try start(mode, ["--digit-model", model], waits: false)
        #expect(try server.wait() == .exited(64))
        #expect(server.errors.hasPrefix("swiftnet: digit-model: '\(model)' is no model for digits"))
        #expect(server.errors.count { $0 == "\n" } == 1, "\(server.errors)")
    }

    @Test(arguments: ServerTests.modes) func aModelNamedTwiceIsServedOnce(mode: String) throws {
        let server = try start(mode, ["--model", "mnist", "--model", "mnist@2", "--model", "mnist"])
        let index = try server.ask("POST", "/v2/repository/index").text
        #expect(index == #"[{"name":"mnist","version":"2","state":"READY","reason":""}]"#)
    }

    /// Whatever the order in which they are named, a request that names none gets the newest.
    @Test(arguments: ServerTests.modes) func ofSeveralVersionsTheNewestComesFirst(mode: String) throws {
        let folder = try TemporaryFolder()
        let repository = try makeRepository(in: folder)
        let model = repository.appending(path: "mnist-mlp")
        try FileManager.default.copyItem(at: model.appending(path: "1"), to: model.appending(path: "2"))
        let file = model.appending(path: "model.json")
        var description = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        var versions = try #require(description["versions"] as? [String: Any])
        versions["2"] = versions["1"]
        description["versions"] = versions
        try JSONSerialization.data(withJSONObject: description).write(to: file)
        let server = try start(
            mode, ["--weights", repository.path, "--model", "mnist-mlp@1", "--model", "mnist-mlp@2"])
        #expect(try server.ask("GET", "/v2/models/mnist-mlp").text.contains(#""versions":["2","1"]"#))
        let body =
            #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,784],"data":["#
            + [String](repeating: "0", count: 784).joined(separator: ",") + "]}]}"
        for (path, version) in [("", "2"), ("/versions/1", "1"), ("/versions/2", "2")] {
            let answer = try server.ask("POST", "/v2/models/mnist-mlp\(path)/infer", text: body)
            #expect(answer.text.contains(#""model_version":"\#(version)""#), "\(path): \(answer.text)")
        }
    }

    /// Those that come while another is being carried out are told to come back.
    @Test(arguments: ServerTests.modes) func ofSeveralChangesOneIsMadeAtATime(mode: String) throws {
        let server = try start(mode, ["--admin"])
        let clients = try (0..<4).map { _ in try server.connect() }
        for client in clients {
            try client.send(
                "POST /v2/repository/models/mnist-mlp/load HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        }
        let answers = try clients.map { try $0.answer() }
        #expect(answers.contains { $0.status == 200 })
        #expect(answers.allSatisfy { $0.status == 200 || $0.status == 503 && $0.headers["retry-after"] == "1" })
        #expect(answers.contains { $0.status == 503 })
    }

    /// A fast client may send all of its body before it looks for an answer.
    @Test(arguments: ServerTests.modes) func theRefusalOfALargeUploadIsSeen(mode: String) throws {
        let server = try start(mode)
        let piece = [UInt8](repeating: 0, count: 1 << 20)
        for framing in ["Content-Length: 60000000", "Transfer-Encoding: chunked"] {
            let client = try server.connect()
            try client.send("POST /inference HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n\(framing)\r\n\r\n")
            for _ in 0..<57 {
                if framing.hasPrefix("T") { try client.send("100000\r\n") }
                try client.send(piece)
                if framing.hasPrefix("T") { try client.send("\r\n") }
            }
            #expect(try client.answer().status == 413)
        }
    }

    /// TensorFlow Serving's clients send images channels last.
    @Test(arguments: ServerTests.modes) func imagesComeChannelsLast(mode: String) throws {
        let server = try start(mode)
        let row = Array(repeating: "0.5", count: 28).joined(separator: ",")
        let pixel = Array(repeating: "[0.5]", count: 28).joined(separator: ",")
        func answer(_ lines: String) throws -> String {
            let image = Array(repeating: "[\(lines)]", count: 28).joined(separator: ",")
            let answer = try server.ask("POST", "/v1/models/mnist:predict", text: #"{"instances":[[\#(image)]]}"#)
            #expect(answer.status == 200, "\(answer.text)")
            return answer.text
        }
        #expect(try answer(row) == answer(pixel))
        let colour = Array(repeating: "[0.1,0.2,0.3]", count: 224).joined(separator: ",")
        let photo = Array(repeating: "[\(colour)]", count: 224).joined(separator: ",")
        let planes = ["0.1", "0.2", "0.3"].map { value in
            let line = Array(repeating: value, count: 224).joined(separator: ",")
            return "[" + Array(repeating: "[\(line)]", count: 224).joined(separator: ",") + "]"
        }.joined(separator: ",")
        let answers = try [photo, planes].map { image in
            try server.ask("POST", "/v1/models/rotation:predict", text: #"{"instances":[[\#(image)]]}"#)
        }
        #expect(answers.allSatisfy { $0.status == 200 })
        #expect(answers[0].text == answers[1].text)
    }

    @Test(arguments: ServerTests.modes) func jsonHoldsOnlyFiniteNumbers(mode: String) throws {
        let server = try start(mode)
        let zeros = Array(repeating: "0", count: 783).joined(separator: ",")
        func infer(_ number: String) throws -> RawClient.Answer {
            try server.ask(
                "POST", "/v2/models/mnist/infer",
                text: #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,784],"data":[\#(number),\#(zeros)]}]}"#)
        }
        #expect(try infer("1").status == 200)
        #expect(try infer("1e39").status == 400)
        #expect(try infer("NaN").status == 400)
        #expect(try infer("3e38").status == 422)
        let v1 = try server.ask("POST", "/v1/models/mnist:predict", text: #"{"instances":[[NaN,\#(zeros)]]}"#)
        #expect(v1.status == 200 && v1.text.contains("NaN"))
        #expect(
            try server.ask("POST", "/v1/models/mnist:predict", text: #"{"instances":[[1e39,\#(zeros)]]}"#).status == 400
        )
    }

    /// The table of Documentation/Serving.md.
    @Test func everyOrientationHasItsDegrees() throws {
        let server = try start("thread")
        let photo = Array(try Data(contentsOf: ServerProcess.packageRoot.appending(path: "Examples/photo.jpg")))
        let expected: [UInt8: Int] = [1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 270, 7: 270, 8: 90]
        for (orientation, degrees) in expected {
            let directory: [UInt8] = [1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]
            let exif = Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0] + directory
            let file = photo[..<2] + [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif + photo[2...]
            let answer = try server.connect().ask(
                "POST", "/predict/rotation", headers: ["Content-Type: image/jpeg"], body: Array(file))
            #expect(answer.text.contains(#""exif_degree":\#(degrees)}"#), "\(orientation): \(answer.text)")
        }
    }

    /// A JPEG is turned on its coefficients, as 'swiftnet rotate' does it, and stays as it is where it is upright.
    @Test(arguments: ServerTests.modes) func photosAreTurnedWithoutLoss(mode: String) throws {
        let server = try start(mode)
        let photo = Array(try Data(contentsOf: ServerProcess.packageRoot.appending(path: "Examples/photo.jpg")))
        let answer = try server.connect().ask("POST", "/rotate", headers: ["Content-Type: image/jpeg"], body: photo)
        #expect(answer.status == 200, "\(answer.text.prefix(200))")
        let turned = try #require(answer.headers["turned-degree"].flatMap { Int($0) })
        let model = try #require(answer.headers["model-degree"].flatMap { Int($0) })
        #expect(turned + model == 360)
        let folder = try TemporaryFolder()
        let file = folder.path("photo.jpg")
        try Data(photo).write(to: URL(filePath: file))
        let command = try Command.run("swiftnet", ["rotate", "--in-place", "--min-confidence", "0", file])
        #expect(command.exitCode == 0, "\(command.errors)")
        #expect(Array(try Data(contentsOf: URL(filePath: file))) == answer.body)
    }
}
