// SPDX-License-Identifier: MIT

import Foundation
import Protobuf
import SystemCalls
import TestSupport
import Testing

/// Networks of several inputs, and dense maps, through the built program, and clients that share no code with it.
@Suite("networks of several inputs, served")
struct SeveralInputsServerTests {
    private static let shape = [3, 4, 5]
    private static let weight = randomFloats(81, seed: 1)
    private static let matrix = randomFloats(12, seed: 2)
    private let folder: TemporaryFolder
    private let models: String

    init() throws {
        folder = try TemporaryFolder()
        models = folder.path("models")
        try FileManager.default.createDirectory(atPath: models, withIntermediateDirectories: true)
    }

    // MARK: Networks

    /// map = conv 3x3 of left, less right; scores = (means of map, means of right) times a matrix. Both inputs have the same shape: to
    /// take one for the other changes the answer.
    private static func pair(type: Int = 1) -> [UInt8] {
        var file = ModelBuilder()
        file.input("left", ["n"] + shape as [Any])
        file.input("right", ["n"] + shape as [Any], type: type)
        file.node("Conv", ["left", "w"], ["convolved"], ("pads", .ints([1, 1, 1, 1])))
        file.node("Cast", ["right"], ["numbers"], ("to", .int(1)))
        file.node("Sub", ["convolved", "numbers"], ["map"])
        for (input, means) in [("map", "a"), ("numbers", "b")] {
            file.node("GlobalAveragePool", [input], [means + ".pooled"])
            file.node("Flatten", [means + ".pooled"], [means])
        }
        file.node("Concat", ["a", "b"], ["both"], ("axis", .int(1)))
        file.node("Gemm", ["both", "v"], ["scores"])
        file.floats("w", [3, 3, 3, 3], weight)
        file.floats("v", [6, 2], matrix)
        file.output("map")
        file.output("scores")
        return file.bytes
    }

    /// One channel in, two of 1 x 1 convolutions of three of 3 x 3 out: a map for each class.
    private static func segmentation() -> [UInt8] {
        var file = ModelBuilder()
        file.input("picture", ["n"] + shape as [Any])
        file.node("Conv", ["picture", "w"], ["convolved"], ("pads", .ints([1, 1, 1, 1])))
        file.node("Relu", ["convolved"], ["kept"])
        file.node("Conv", ["kept", "v"], ["classes"])
        file.floats("w", [3, 3, 3, 3], weight)
        file.floats("v", [4, 3, 1, 1], matrix)
        file.output("classes")
        return file.bytes
    }

    /// 3x3, padded by one, three channels of 4 x 5 into three, in Double.
    private static func convolved(_ image: [Float]) -> [Double] {
        var map: [Double] = []
        for output in 0..<3 {
            for y in 0..<4 {
                for x in 0..<5 {
                    var sum = 0.0
                    for (channel, row, column) in (0..<27).map({ ($0 / 9, $0 / 3 % 3, $0 % 3) }) {
                        let (inputY, inputX) = (y + row - 1, x + column - 1)
                        guard (0..<4).contains(inputY), (0..<5).contains(inputX) else { continue }
                        sum +=
                            Double(weight[((output * 3 + channel) * 3 + row) * 3 + column])
                            * Double(image[(channel * 4 + inputY) * 5 + inputX])
                    }
                    map.append(sum)
                }
            }
        }
        return map
    }

    private static func answer(_ left: [Float], _ right: [Float]) -> (map: [Float], scores: [Float]) {
        let map = zip(convolved(left), right).map { $0 - Double($1) }
        let means = means(map) + means(right.map(Double.init))
        let scores = (0..<2).map { column -> Double in
            var sum = 0.0
            for (row, mean) in means.enumerated() { sum += mean * Double(matrix[row * 2 + column]) }
            return sum
        }
        return (map.map { Float($0) }, scores.map { Float($0) })
    }

    /// The mean of each of three channels.
    private static func means(_ map: [Double]) -> [Double] {
        stride(from: 0, to: 60, by: 20).map { first in map[first..<(first + 20)].reduce(0, +) / 20 }
    }

    /// What ``segmentation()`` makes of an image.
    private static func classes(_ image: [Float]) -> [Float] {
        let kept = convolved(image).map { max(0, $0) }
        return (0..<80).map { place -> Float in
            let (output, pixel) = (place / 20, place % 20)
            var sum = 0.0
            for channel in 0..<3 { sum += Double(matrix[output * 3 + channel]) * kept[channel * 20 + pixel] }
            return Float(sum)
        }
    }

    private func add(_ name: String, _ bytes: [UInt8]) throws -> Command.Result {
        try Command.run("swiftnet", ["add", name, folder.write(bytes, to: name + ".onnx"), "--weights", models])
    }

    // MARK: Asking

    private typealias Tensor = (name: String, values: [Float])

    private func little(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    private func floats(_ bytes: some Collection<UInt8>) -> [Float] {
        let bytes = Array(bytes)
        return stride(from: 0, to: bytes.count - 3, by: 4).map { place in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * $1) })
        }
    }

    private func text(_ answer: RawClient.Answer) -> String { String(decoding: answer.body, as: UTF8.self) }

    private func outputs(_ json: some Collection<UInt8>) throws -> [[String: Any]] {
        let object = try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any]
        return try #require(object?["outputs"] as? [[String: Any]], "\(String(decoding: json, as: UTF8.self))")
    }

    private func described(_ tensor: Tensor, _ rows: Int, _ rest: String) -> String {
        #"{"name":"\#(tensor.name)","datatype":"FP32","shape":[\#(rows),3,4,5],\#(rest)}"#
    }

    /// The outputs by their names, asked in JSON.
    private func askJSON(
        _ server: ServerProcess, _ model: String, _ tensors: [Tensor], rows: Int
    ) throws -> [String: [Float]] {
        let inputs = tensors.map { described($0, rows, #""data":\#($0.values)"#) }.joined(separator: ",")
        let response = try server.ask(
            "POST", "/v2/models/\(model)/infer", headers: ["Content-Type: application/json"],
            text: #"{"inputs":[\#(inputs)]}"#)
        var found: [String: [Float]] = [:]
        for output in try outputs(response.body) {
            let values = try #require(output["data"] as? [Double]).map { Float($0) }
            let shape = try #require(output["shape"] as? [Int])
            #expect(shape.reduce(1, *) == values.count && shape.first == rows)
            found[try #require(output["name"] as? String)] = values
        }
        return found
    }

    /// The same by the extension of binary data.
    private func askBinary(
        _ server: ServerProcess, _ model: String, _ tensors: [Tensor], rows: Int, shapes: [String: [Int]]
    ) throws -> [String: [Float]] {
        let inputs = tensors.map { described($0, rows, #""parameters":{"binary_data_size":\#($0.values.count * 4)}"#) }
        let json = Array(
            #"{"inputs":[\#(inputs.joined(separator: ","))],"parameters":{"binary_data_output":true}}"#.utf8)
        let response = try server.connect().ask(
            "POST", "/v2/models/\(model)/infer", headers: ["Inference-Header-Content-Length: \(json.count)"],
            body: json + tensors.flatMap { little($0.values) })
        #expect(response.status == 200, "\(text(response))")
        let length = try #require(response.headers["inference-header-content-length"].flatMap { Int($0) })
        var rest = response.body[length...]
        var found: [String: [Float]] = [:]
        for output in try outputs(response.body[..<length]) {
            let size = try #require((output["parameters"] as? [String: Int])?["binary_data_size"])
            let name = try #require(output["name"] as? String)
            #expect(output["shape"] as? [Int] == [rows] + (shapes[name] ?? []))
            found[name] = floats(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        #expect(rest.isEmpty)
        return found
    }

    /// The same over gRPC, with raw or typed contents.
    private func askGRPC(
        _ server: ServerProcess, _ model: String, _ tensors: [Tensor], rows: Int, isRaw: Bool, shapes: [String: [Int]]
    ) throws -> [String: [Float]] {
        var request = ProtobufWriter()
        request.write(1, string: model)
        for tensor in tensors {
            request.write(5) { message in
                message.write(1, string: tensor.name)
                message.write(2, string: "FP32")
                message.write(3, packed: [rows] + Self.shape)
                if !isRaw { message.write(5) { $0.write(6, packed: tensor.values) } }
            }
        }
        for tensor in tensors where isRaw { request.write(7, bytes: little(tensor.values)) }
        let response = try server.connect().ask(
            "POST", "/inference.GRPCInferenceService/ModelInfer", headers: [GRPCWeb.contentType],
            body: GRPCWeb.frame(request.bytes))
        let answer = try #require(GRPCWeb.Answer(response.body))
        #expect(answer.status == 0, "\(answer.text)")
        var (names, values): ([String], [[Float]]) = ([], [])
        try #require(answer.messages.first).withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() {
                if field.number == 6 { values.append(floats(Array(try field.bytes()))) }
                guard field.number == 5 else { continue }
                var (name, sizes) = ("", [Int]())
                var tensor = try field.message()
                while let field = try tensor.next() {
                    if field.number == 1 { name = try field.string(limit: 20) }
                    if field.number == 3 { try field.append(to: &sizes, limit: 8) }
                    guard field.number == 5 else { continue }
                    var contents = try field.message()
                    while let field = try contents.next() { values.append(floats(Array(try field.bytes()))) }
                }
                #expect(sizes == [rows] + (shapes[name] ?? []))
                names.append(name)
            }
        }
        try #require(names.count == values.count)
        return Dictionary(zip(names, values), uniquingKeysWith: { first, _ in first })
    }

    // MARK: Tests

    @Test(
        "two inputs answer by every form, in any order, rows together as each alone",
        .timeLimit(.minutes(1)), arguments: ["process", "thread"])
    func answers(mode: String) throws {
        let added = try add("pair", Self.pair())
        #expect(added.exitCode == 0, "\(added.errors)")
        #expect(added.output.contains("left 3x4x5 + right 3x4x5") && added.output.contains("serve"), "\(added.output)")
        let server = try ServerProcess(mode: mode, ["--weights", models, "--workers", "1"])
        let metadata = text(try server.ask("GET", "/v2/models/pair"))
        #expect(
            metadata.contains(
                #""inputs":[{"name":"left","datatype":"FP32","shape":[-1,3,4,5]},{"name":"right","datatype":"FP32","shape":[-1,3,4,5]}]"#
            ), "\(metadata)")
        let shapes = ["map": Self.shape, "scores": [2]]
        var alone: [String: [Float]] = [:]
        let count = 5
        let lefts = (0..<count).map { randomFloats(60, seed: UInt64(10 + $0)) }
        let rights = (0..<count).map { randomFloats(60, seed: UInt64(20 + $0)) }
        for (left, right) in zip(lefts, rights) {
            let tensors: [Tensor] = [("left", left), ("right", right)]
            let binary = try askBinary(server, "pair", tensors, rows: 1, shapes: shapes)
            let expected = Self.answer(left, right)
            expectClose(try #require(binary["map"]), expected.map, .network, "map")
            expectClose(try #require(binary["scores"]), expected.scores, .network, "scores")
            for (name, values) in binary { alone[name, default: []] += values }
        }
        let all: [Tensor] = [("left", lefts.flatMap(\.self)), ("right", rights.flatMap(\.self))]
        for tensors in [all, all.reversed()] {
            for isRaw in [true, false] {
                #expect(
                    try askGRPC(server, "pair", tensors, rows: count, isRaw: isRaw, shapes: shapes) == alone,
                    "gRPC, raw: \(isRaw)")
            }
            #expect(try askBinary(server, "pair", tensors, rows: count, shapes: shapes) == alone)
            #expect(try askJSON(server, "pair", tensors, rows: count) == alone)
        }
    }

    @Test("many ask at once, and each gets the bits that it gets alone", .timeLimit(.minutes(1)))
    func batches() throws {
        #expect(try add("pair", Self.pair()).exitCode == 0)
        let server = try ServerProcess(mode: "thread", ["--weights", models, "--threads", "1"])
        func body(_ seed: Int) -> [UInt8] {
            let values = randomFloats(120, seed: UInt64(100 + seed))
            let inputs = [("left", 0), ("right", 60)].map { name, _ in
                described((name, []), 1, #""parameters":{"binary_data_size":240}"#)
            }
            let json = #"{"inputs":[\#(inputs.joined(separator: ","))],"parameters":{"binary_data_output":true}}"#
            let head =
                "POST /v2/models/pair/infer HTTP/1.1\r\nHost: localhost\r\n"
                + "Inference-Header-Content-Length: \(json.utf8.count)\r\nContent-Length: \(json.utf8.count + 480)\r\n\r\n"
            return Array((head + json).utf8) + little(values)
        }
        let clients = try (0..<24).map { _ in try server.connect() }
        for round in 0..<4 {
            for (place, client) in clients.enumerated() { try client.send(body(round * 24 + place)) }
            for (place, client) in clients.enumerated() {
                let answer = try client.answer()
                #expect(answer.status == 200)
                let alone = try server.connect()
                try alone.send(body(round * 24 + place))
                #expect(try alone.answer().body == answer.body, "row \(place) of round \(round)")
            }
        }
    }

    @Test("requests that lie are refused by the input's name, and the server serves on", .timeLimit(.minutes(1)))
    func refusals() throws {
        #expect(try add("pair", Self.pair()).exitCode == 0)
        let server = try ServerProcess(mode: "process", ["--weights", models, "--workers", "1"])
        func ask(_ inputs: String) throws -> String {
            let answer = try server.ask("POST", "/v2/models/pair/infer", text: #"{"inputs":[\#(inputs)]}"#)
            #expect(answer.status == 400)
            return text(answer)
        }
        let zeros = [Float](repeating: 0, count: 60)
        let (left, right) = (
            described(("left", zeros), 1, #""data":\#(zeros)"#), described(("right", zeros), 1, #""data":\#(zeros)"#)
        )
        #expect(try ask(left).contains("the input 'right' is missing; 'pair' takes 2 inputs, 'left', 'right'"))
        #expect(try ask(left + "," + left).contains("the input 'left' is given twice"))
        #expect(try ask(left + "," + right.replacing("right", with: "wrong")).contains("unknown input 'wrong'"))
        #expect(
            try ask(left + "," + right.replacing("3,4,5", with: "5,4,3")).contains("input 'right': expected the shape"))
        #expect(try ask(left + "," + right.replacing("FP32", with: "BYTES")).contains("input 'right': expected FP32"))
        let two = described(("right", zeros), 2, #""data":\#(zeros + zeros)"#)
        #expect(try ask(left + "," + two).contains("input 'right': it has 2 rows; expected 1, as many as 'left' has"))
        for path in ["/predict/pair", "/v1/models/pair:predict"] {
            let answer = try server.connect().ask("POST", path, headers: ["Content-Type: image/png"], body: [1, 2])
            #expect(answer.status == 400 && text(answer).contains("POST /v2/models/pair/infer"), "\(text(answer))")
        }
        #expect(try askJSON(server, "pair", [("right", zeros), ("left", zeros)], rows: 1)["scores"] == [0, 0])
    }

    @Test("a file with an input that is not taken is refused, and stops no server", .timeLimit(.minutes(1)))
    func oneBadModel() throws {
        #expect(try add("pair", Self.pair()).exitCode == 0)
        let refused = try add("mixed", Self.pair(type: 7))
        #expect(refused.exitCode == 65)
        #expect(
            refused.errors.contains("its input 'right' is i64 [1, 3, 4, 5]; of 2 inputs each must be f32 [1, ...]"),
            "\(refused.errors)")
        // Put there by hand, all the same.
        let model = URL(filePath: models).appending(path: "mixed")
        try FileManager.default.copyItem(at: URL(filePath: models).appending(path: "pair"), to: model)
        let description = model.appending(path: "model.json")
        let text = try String(contentsOf: description, encoding: .utf8)
        try Data(text.replacing("\"name\": \"pair\"", with: "\"name\": \"mixed\"").utf8).write(to: description)
        try Data(Self.pair(type: 7)).write(to: model.appending(path: "1/pair.onnx"))
        let server = try ServerProcess(mode: "process", ["--weights", models, "--workers", "1"])
        #expect(server.errors.contains("'right' i64 [3, 4, 5]"), "\(server.errors)")
        #expect(try server.ask("GET", "/v2/models/pair/ready").status == 200)
        #expect(try server.ask("GET", "/v2/models/mixed/ready").status == 404)
    }

    @Test("the commands show it, time it, and refuse pictures for it")
    func commands() throws {
        #expect(try add("pair", Self.pair()).exitCode == 0)
        let model = ["--model", "pair", "--weights", models]
        let listed = try Command.run("swiftnet", ["models", "--weights", models])
        #expect(listed.output.contains("left 3x4x5 + right 3x4x5"), "\(listed.output)")
        let json = try Command.run("swiftnet", ["models", "--json", "--weights", models])
        #expect(json.output.contains(#""input":{"left":[3,4,5],"right":[3,4,5]}"#), "\(json.output)")
        let inspected = try Command.run("swiftnet", ["inspect", folder.path("pair.onnx")])
        #expect(inspected.exitCode == 0 && inspected.output.contains("right"), "\(inspected.output)")
        #expect(
            inspected.output.contains(
                "it takes 2 inputs: the library runs it, and the server by its v2 protocol; no pictures"),
            "\(inspected.output)")
        let mixed = try folder.write(Self.pair(type: 7), to: "mixed.onnx")
        #expect(try Command.run("swiftnet", ["inspect", mixed]).output.contains("no server does"))
        for command in [["plan"], ["bench", "--seconds", "0.05", "--batch", "2"], ["profile", "--runs", "3"]] {
            for place in [model, ["--weights", folder.path("pair.onnx")]] {
                let result = try Command.run("swiftnet", command + place)
                #expect(result.exitCode == 0, "\(command): \(result.errors)")
            }
        }
        let picture = ServerProcess.packageRoot.appending(path: "Examples/digit.png").path
        for command in [
            ["infer", picture], ["infer", "--output", folder.path("a.npz"), picture], ["rotate", "--dry-run", picture],
            ["quantize", "--calibration", folder.path("")],
        ] {
            let result = try Command.run("swiftnet", command + model)
            #expect(result.exitCode == 65, "\(command): \(result.errors)")
            #expect(
                result.errors
                    == "swiftnet: the model takes no pictures but the tensors 'left' f32 [3, 4, 5], 'right' f32 [3, 4, 5]; "
                    + "the server's v2 protocol and the library's Predictor.outputs(of:) take them\n")
        }
    }

    @Test("a map of classes comes whole by every form", .timeLimit(.minutes(1)))
    func segmentationServes() throws {
        let added = try add("street", Self.segmentation())
        #expect(added.exitCode == 0, "\(added.errors)")
        let server = try ServerProcess(mode: "process", ["--weights", models, "--workers", "1"])
        let metadata = text(try server.ask("GET", "/v2/models/street"))
        #expect(
            metadata.contains(#""outputs":[{"name":"classes","datatype":"FP32","shape":[-1,4,4,5]}]"#), "\(metadata)")
        for rows in [1, 3] {
            let images = (0..<rows).map { randomFloats(60, seed: UInt64(30 + $0)) }
            let expected = images.flatMap(Self.classes)
            let tensors: [Tensor] = [("picture", images.flatMap(\.self))]
            let shapes = ["classes": [4, 4, 5]]
            let binary = try askBinary(server, "street", tensors, rows: rows, shapes: shapes)
            expectClose(try #require(binary["classes"]), expected, .network, "classes")
            #expect(try askJSON(server, "street", tensors, rows: rows) == binary)
            for isRaw in [true, false] {
                #expect(
                    try askGRPC(server, "street", tensors, rows: rows, isRaw: isRaw, shapes: shapes) == binary)
            }
        }
    }
}
