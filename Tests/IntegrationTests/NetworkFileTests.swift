// SPDX-License-Identifier: MIT

import Foundation
import Images
import SystemCalls
import TestSupport
import Testing

/// Networks' files through the built program: a program of torch.export, and a network that answers with maps.
@Suite("networks' files")
struct NetworkFileTests {
    private let folder: TemporaryFolder
    private let golden: Golden
    private static let goldens = packageFolder + "/Tests/IntegrationTests/Goldens"
    private let picture: String

    init() throws {
        folder = try TemporaryFolder()
        golden = try Golden(path: Self.goldens + "/networks.golden")
        let pixels = try golden.tensor("pixels").values.map { UInt8($0) }
        picture = folder.url.appending(path: "picture.png").path
        let image = try Image(width: 32, height: 32, format: .rgb8, pixels: pixels)
        try Data(try ImageEncoder.png(image)).write(to: URL(filePath: picture))
    }

    private func path(_ name: String) -> String { Self.goldens + "/" + name }

    /// The arrays of a file of `numpy.savez`, by a reader of its own: entries are stored one behind the other.
    private func arrays(_ path: String) throws -> [String: (shape: String, values: [Float])] {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        func number(_ place: Int, _ count: Int) -> Int {
            (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        }
        var arrays: [String: (shape: String, values: [Float])] = [:]
        var place = 0
        while number(place, 4) == 0x0403_4B50 {
            let (size, length) = (number(place + 22, 4), number(place + 26, 2))
            let start = place + 30 + length
            let name = String(decoding: bytes[(place + 30)..<start], as: UTF8.self)
            let data = start + 10 + number(start + 8, 2)
            let header = String(decoding: bytes[(start + 10)..<data], as: UTF8.self)
            let shape = try #require(header.split(separator: "(").last?.split(separator: ")").first)
            let values = stride(from: data, to: start + size, by: 4).map {
                Float(bitPattern: UInt32(number($0, 4)))
            }
            arrays[name] = (String(shape), values)
            place = start + size
        }
        return arrays
    }

    private func post(
        _ server: ServerProcess, _ path: String, _ body: [UInt8], _ type: String = "image/png"
    ) throws -> RawClient.Answer {
        try server.connect().ask("POST", path, headers: ["Content-Type: \(type)"], body: body)
    }

    @Test("a .pt2 is inspected, infers and is added under a name")
    func program() throws {
        let inspected = try Command.run("swiftnet", ["inspect", path("classifier.pt2")])
        #expect(inspected.exitCode == 0, "\(inspected.errors)")
        for word in ["format: torch.export, version 8", "input: ", "f32 [1, 3, 32, 32]", "every operator is known"] {
            #expect(inspected.output.contains(word), "no '\(word)' in: \(inspected.output)")
        }
        let logits = try golden.tensor("logits").values
        let largest = try #require(logits.max())
        let sum = logits.reduce(0) { $0 + exp($1 - largest) }
        let best = try #require(logits.firstIndex(of: largest))
        // The short side of the default is 37: the picture itself is the input only where nothing is resized.
        let added = try Command.run(
            "swiftnet", ["add", "pets", path("classifier.pt2"), "--resize", "0", "--weights", folder.url.path])
        #expect(added.exitCode == 0, "\(added.errors)")
        let answer = try Command.run(
            "swiftnet", ["infer", "--json", "--model", "pets", "--weights", folder.url.path, picture])
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
        #expect(object["label"] as? String == ["cat", "dog", "fish"][best])
        let confidence = try #require(object["confidence"] as? Double)
        #expect(abs(confidence - Double(1 / sum)) < 1e-5)
    }

    @Test("a .pt2 serves", .timeLimit(.minutes(1)))
    func programServes() throws {
        let added = try Command.run(
            "swiftnet", ["add", "pets", path("classifier.pt2"), "--resize", "0", "--weights", folder.url.path])
        #expect(added.exitCode == 0, "\(added.errors)")
        let server = try ServerProcess(mode: "process", ["--weights", folder.url.path, "--workers", "1"])
        let metadata = try server.ask("GET", "/v2/models/pets")
        let described = String(decoding: metadata.body, as: UTF8.self)
        for name in ["picture", "pixels", "image", "linear", "probabilities"] {
            #expect(described.contains("{\"name\":\"\(name)\""), "no '\(name)' in: \(described)")
        }
        #expect(!described.contains("logits"))
        let response = try post(server, "/predict/pets", [UInt8](try Data(contentsOf: URL(filePath: picture))))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
        let logits = try golden.tensor("logits").values
        let largest = try #require(logits.max())
        let best = try #require(logits.firstIndex(of: largest))
        #expect(object["label"] as? String == ["cat", "dog", "fish"][best])
    }

    @Test(
        "a network of maps gives PyTorch's by --output, under the names that its file has",
        arguments: [
            ("segmentation.onnx", ["map", "coarse"]), ("segmentation.pt2", ["upsample_bilinear2d_1", "conv2d_5"]),
        ])
    func maps(file: String, names: [String]) throws {
        let output = folder.url.appending(path: "maps.npz").path
        let arguments = ["infer", "--weights", path(file), "--output", output, picture]
        let result = try Command.run("swiftnet", arguments)
        #expect(result.exitCode == 0, "\(result.errors)")
        let arrays = try arrays(output)
        #expect(Set(arrays.keys) == Set(names.map { $0 + ".npy" }))
        let map = try #require(arrays.first { $0.value.shape.hasPrefix("1, 5, 32, 32") }?.value)
        expectClose(map.values, try golden.tensor("map").values, .network, "map")
        let coarse = try #require(arrays.first { $0.value.shape.hasPrefix("1, 5, 8, 8") }?.value)
        expectClose(coarse.values, try golden.tensor("coarse").values, .network, "coarse")
        for command in ["inspect", "plan"] {
            let told = try Command.run("swiftnet", [command] + (command == "plan" ? ["--weights"] : []) + [path(file)])
            for name in names { #expect(told.output.contains(name), "\(command) does not name '\(name)'") }
            #expect(told.output.contains("picture"))
        }
        // What is there stays.
        let again = try Command.run("swiftnet", arguments)
        #expect(again.exitCode != 0 && again.errors.contains("--force"))
        #expect(try Command.run("swiftnet", arguments + ["--force"]).exitCode == 0)
        // It has no classes to print.
        let plain = try Command.run("swiftnet", ["infer", "--weights", path(file), picture])
        #expect(plain.exitCode == 65 && plain.errors.contains("--output"), "\(plain.errors)")
    }

    @Test("a network of maps gives PyTorch's by the server's v2 and v1 protocols", .timeLimit(.minutes(1)))
    func mapsServe() throws {
        let added = try Command.run(
            "swiftnet", ["add", "street", path("segmentation.onnx"), "--weights", folder.url.path])
        #expect(added.exitCode == 0, "\(added.errors)")
        let server = try ServerProcess(mode: "process", ["--weights", folder.url.path, "--workers", "1"])
        let expected = ["map": try golden.tensor("map").values, "coarse": try golden.tensor("coarse").values]
        func json(_ response: RawClient.Answer) throws -> [String: Any] {
            try #require(
                try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any],
                "\(String(decoding: response.body, as: UTF8.self))")
        }
        let metadata = try json(server.connect().ask("GET", "/v2/models/street"))
        func names(_ key: String) -> [String?] {
            (metadata[key] as? [[String: Any]] ?? []).map { $0["name"] as? String }
        }
        #expect(names("inputs") == ["picture", "image"] && names("outputs") == ["map", "coarse"])
        let numbers = try golden.tensor("picture").values.map { "\($0)" }.joined(separator: ",")
        let image = try Data(contentsOf: URL(filePath: picture)).base64EncodedString()
        for input in [
            #"{"name":"picture","datatype":"FP32","shape":[1,3,32,32],"data":[\#(numbers)]}"#,
            #"{"name":"image","datatype":"BYTES","shape":[1],"data":["\#(image)"]}"#,
        ] {
            let response = try post(
                server, "/v2/models/street/infer", Array(#"{"inputs":[\#(input)]}"#.utf8), "application/json")
            let outputs = try #require(try json(response)["outputs"] as? [[String: Any]])
            #expect(outputs.map { $0["shape"] as? [Int] } == [[1, 5, 32, 32], [1, 5, 8, 8]])
            for output in outputs {
                let name = try #require(output["name"] as? String)
                let values = try #require(output["data"] as? [Double])
                expectClose(values.map { Float($0) }, try #require(expected[name]), .network, name)
            }
        }
        // Rows of both, each with its outputs by name; and the outputs, each with its rows.
        let two = #"[{"b64":"\#(image)"},{"b64":"\#(image)"}]"#
        let rows = try json(
            post(server, "/v1/models/street:predict", Array(#"{"instances":\#(two)}"#.utf8), "application/json"))
        let predictions = try #require(rows["predictions"] as? [[String: [[[Double]]]]])
        let nested = #"{"inputs":{"picture":\#(nested(try golden.tensor("picture").values))}}"#
        let columns = try json(
            post(server, "/v1/models/street:predict", Array(nested.utf8), "application/json"))
        let outputs = try #require(columns["outputs"] as? [String: [[[[Double]]]]])
        #expect(predictions.count == 2)
        for (name, values) in expected {
            for row in predictions + [outputs.compactMapValues(\.first)] {
                let flat = try #require(row[name]).flatMap { $0.flatMap { $0 } }
                expectClose(flat.map { Float($0) }, values, .network, name)
            }
        }
        let classes = try post(server, "/predict/street", [UInt8](try Data(contentsOf: URL(filePath: picture))))
        #expect(classes.status == 400)
        #expect(String(decoding: classes.body, as: UTF8.self).contains("/v2/models/street/infer"))
    }

    /// One image of 3 x 32 x 32 numbers as nested lists.
    private func nested(_ values: [Float]) -> String {
        func list(_ parts: [String]) -> String { "[" + parts.joined(separator: ",") + "]" }
        let planes = (0..<3).map { channel in
            list(
                (0..<32).map { y in
                    list((0..<32).map { "\(values[(channel * 32 + y) * 32 + $0])" })
                })
        }
        return list([list(planes)])
    }
}
