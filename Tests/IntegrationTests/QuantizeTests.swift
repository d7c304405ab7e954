// SPDX-License-Identifier: MIT

import Images
import TestSupport
import Testing

/// `swiftnet quantize` through the built program, and what the other commands make of its file.
@Suite("quantize")
struct QuantizeTests {
    private let folder: TemporaryFolder
    private let picture: String

    init() throws {
        folder = try TemporaryFolder()
        var random = SeededGenerator(seed: 3)
        var paths: [String] = []
        for index in 0..<16 {
            // Blots of colour: noise alone would be the same picture for a network each time.
            let base = (0..<3).map { _ in Int.random(in: 0...200, using: &random) }
            let pixels = (0..<32 * 32 * 3).map { UInt8(base[$0 % 3] + Int.random(in: 0...55, using: &random)) }
            let image = try Image(width: 32, height: 32, format: .rgb8, pixels: pixels)
            let label = ["cat", "dog", "fish"][index % 3]
            paths.append(try folder.write(try ImageEncoder.png(image), to: "pictures/\(label)/\(index).png"))
        }
        picture = paths[0]
    }

    private func swiftnet(_ arguments: [String]) throws -> Command.Result {
        try Command.run("swiftnet", arguments)
    }

    @Test("a model is quantised, and runs in both precisions")
    func quantizes() throws {
        let repository = ["--weights", folder.path("models")]
        try folder.write([], to: "models/.keep")
        let program = packageFolder + "/Tests/IntegrationTests/Goldens/classifier.pt2"
        #expect(try swiftnet(["add", "pets", program, "--resize", "0"] + repository).exitCode == 0)
        let pets = ["--model", "pets"] + repository
        let before = try swiftnet(["infer", "--json", picture] + pets)
        let early = try swiftnet(["infer", "--precision", "int8", picture] + pets)
        #expect(early.exitCode == 65 && early.errors.contains("'swiftnet quantize --model pets"), "\(early.errors)")

        let calibration = ["--calibration", folder.path("pictures"), "--bound", "100"]
        let report = folder.path("report.json")
        let result = try swiftnet(["quantize", "--report", report] + calibration + pets)
        #expect(result.exitCode == 0, "\(result.errors)")
        for word in ["signal to noise", "changed answers", "right answers", "model.int8.onnx"] {
            #expect(result.output.contains(word), "no '\(word)' in: \(result.output)")
        }
        let json = String(decoding: folder.bytes("report.json") ?? [], as: UTF8.self)
        #expect(json.contains("\"share_of_error\"") && json.contains("\"accuracy_int8\""))

        let again = try swiftnet(["quantize"] + calibration + pets)
        #expect(again.exitCode == 65 && again.errors.contains("--force replaces it"), "\(again.errors)")

        let int8 = try swiftnet(["infer", "--json", "--precision", "int8", picture] + pets)
        #expect(int8.exitCode == 0 && int8.output.contains("\"precision\":\"int8\""), "\(int8.output)\(int8.errors)")
        let plan = try swiftnet(["plan", "--precision", "int8"] + pets)
        #expect(plan.output.contains("int8 conv2d"), "\(plan.output)")
        let after = try swiftnet(["infer", "--json", picture] + pets)
        #expect(
            after.output.split(separator: "\"milliseconds\"").first
                == before.output.split(separator: "\"milliseconds\"").first)
    }

    @Test("what can't be done is one line that says why")
    func refuses() throws {
        for (arguments, word) in [
            (["--bound", "200"], "--bound"), (["--precision", "int8"], "--precision"),
            (["--images", "2"], "--images"),
        ] {
            let result = try swiftnet(
                ["quantize", "--model", "mnist", "--calibration", folder.path("pictures")] + arguments)
            #expect(result.exitCode == 64 && result.errors.contains(word), "\(result.errors)")
        }
        let few = try swiftnet(["quantize", "--model", "rotation", "--calibration", picture])
        #expect(few.exitCode == 1 && few.errors.contains("1 images are too few"), "\(few.errors)")
        #expect(few.errors.split(separator: "\n").count == 1, "\(few.errors)")
    }
}
