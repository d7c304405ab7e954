// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing

/// Each refusal says in one line what is wrong, and what to do next.
@Suite("refusals") struct RefusalTests {
    private let folder: TemporaryFolder
    private let examples = packageFolder + "/Examples"
    private let weights = packageFolder + "/Weights/mnist/1/model.pth"

    init() throws {
        folder = try TemporaryFolder()
        func start(_ path: String, _ count: Int) throws -> [UInt8] {
            Array(try Data(contentsOf: URL(filePath: path)).prefix(count))
        }
        try folder.write(Array("hello".utf8), to: "text")
        try folder.write([], to: "nothing")
        try folder.write(start(examples + "/digit.png", 300), to: "cut.png")
        try folder.write(start(examples + "/photo.jpg", 2000), to: "cut.jpg")
        try folder.write(start(examples + "/own-network/digits.pt", 900), to: "cut.pt")
        try folder.write(start(examples + "/onnx-classifier/digits.onnx", 9000), to: "cut.onnx")
        try folder.write([], to: "empty/.keep")
    }

    /// Arguments after the program, the exit code, and words of what is wrong and of what to do.
    private typealias Case = (arguments: [String], code: Int32, wrong: String, next: String)

    private func check(
        _ program: String, _ cases: [Case], environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for (arguments, code, wrong, next) in cases {
            let given = arguments.map { $0.hasPrefix("@") ? folder.path(String($0.dropFirst())) : $0 }
            let result = try Command.run(program, given, environment: environment)
            #expect(result.exitCode == code, "\(arguments): \(result)", sourceLocation: sourceLocation)
            let line = result.errors.split(separator: "\n").last ?? ""
            guard let first = line.range(of: wrong), let second = line.range(of: next) else {
                Issue.record("\(arguments): \(result.errors)", sourceLocation: sourceLocation)
                continue
            }
            #expect(first.lowerBound < second.lowerBound, "\(line)", sourceLocation: sourceLocation)
            #expect(!line.contains(".partial"), sourceLocation: sourceLocation)
        }
    }

    @Test("of pictures")
    func pictures() throws {
        let digit = examples + "/digit.png"
        try check(
            "swiftnet",
            [
                (["infer", "@none.png"], 66, "No such file", "is the path right?"),
                (["infer", "@text"], 65, "not an image", "expected a PNG, JPEG"),
                (["infer", "@nothing"], 65, "is empty", "expected a PNG, JPEG"),
                (["infer", "@cut.png"], 65, "truncated", "Copy it or download it again"),
                (["infer", "@empty"], 66, "no images", "expected names that end in"),
                (["infer", "--max-pixels", "10", digit], 65, "320 x 360", "--max-pixels raises"),
                (["infer", "--views", "4", digit], 65, "four views", "ask without --views"),
                (
                    ["infer", "--output", "@none/maps.npz", digit], 66, "none/maps.npz: No such file",
                    "is the path right?"
                ),
                (["rotate", "--out", "@made", "@cut.jpg"], 65, "truncated", "Copy it or download it again"),
            ])
    }

    @Test("of models and weights")
    func models() throws {
        let digit = examples + "/digit.png"
        try check(
            "swiftnet",
            [
                (["infer", "--model", "nope", digit], 66, "no model 'nope'", "'swiftnet models' tells"),
                (["infer", "--version", "9", digit], 66, "no version 9", "'swiftnet models' lists"),
                (["infer", "--weights", "@none", digit], 66, "No such file", "is the path right?"),
                (["infer", "--weights", "@text", digit], 65, "not a checkpoint", "networks are .onnx and .pt2"),
                (["infer", "--weights", "@empty", digit], 66, "it has none", "'swiftnet add NAME FILE'"),
                (["infer", "--weights", "@cut.pt", digit], 65, "cut short", "Download it or save it again"),
                (["infer", "--weights", "@cut.onnx", digit], 65, "not a valid ONNX", "download it again"),
                (
                    ["infer", "--weights", examples + "/own-network/digits.pt", digit], 65, "no known architecture",
                    "torch.export.save"
                ),
                (
                    ["add", "--weights", "@empty", ".x", weights], 65, "can't be a model's name",
                    "expected 1 to 128 letters"
                ),
                (["inspect", "@text"], 65, "not a checkpoint", "networks are .onnx and .pt2"),
                (["inspect", "@empty"], 65, "Is a directory", "name a file within it"),
                (["inspect", "@cut.pt"], 65, "cut.pt: ", "Download it or save it again"),
                (["add", "--weights", "@empty", "x", "@cut.onnx"], 65, "cut.onnx: ", "download it again"),
                (["models", "--weights", "@text"], 66, "text: a file", "a folder of models"),
                (
                    ["quantize", "--calibration", "@empty", "--report", "@none/x"], 66, "No such file",
                    "is the path right?"
                ),
                (["profile", "--trace", "@none/x"], 66, "No such file", "is the path right?"),
                (
                    ["plan", "--algorithm", "none=b"], 64, "no convolution or linear layer 'none'",
                    "'swiftnet plan' lists"
                ),
                (["plan", "--algorithm", "conv1=b"], 64, "'b' can't do 'conv1'", "these can"),
            ])
        try check(
            "swiftnet", [(["infer", digit], 64, "SWIFTNET_ISA is 'x'", "expected one of")],
            environment: ["SWIFTNET_ISA": "x"])
    }

    @Test("of servers")
    func servers() throws {
        try check(
            "swiftnet",
            [
                (["reload", "--pid", "@none"], 1, "No such file", "is the path right?"),
                (["reload", "--pid", "@text"], 1, "holds no process number", "name the file that 'swiftnet serve"),
                (["serve", "--api-keys", "@none"], 66, "No such file", "is the path right?"),
                (["serve", "--model", "nope"], 66, "no model 'nope'", "'swiftnet models' tells"),
                (["serve", "--model", "mnist@9"], 66, "no version 9", "'swiftnet models' lists"),
                (["serve", "--model", "mnist@x"], 64, "'mnist@x'", "a version from 1 up"),
                (["serve", "--check-config", "--weights", "@none"], 66, "No such file", "is the path right?"),
                (["serve", "--digit-model", "rotation"], 64, "'rotation' is no model for digits", "expected mnist"),
                (["serve", "--config", "@none"], 66, "No such file", "is the path right?"),
                (
                    ["serve", "--weights", "@empty", "--bind", "127.0.0.1:0"], 66, "no model in",
                    "'swiftnet add NAME FILE'"
                ),
                (
                    ["infer", "--server", "127.0.0.1:9", "@cut.png"], 69, "no server answered",
                    "does 'swiftnet serve' run"
                ),
            ])
        let settings = try folder.write(Array("# first\nmodel = mnist\nworkers = x\n".utf8), to: "settings")
        let result = try Command.run("swiftnet", ["serve", "--config", settings, "--check-config"])
        #expect(result.errors.hasPrefix("Error: \(settings): line 3: workers: expected a number"), "\(result)")
        let variable = try Command.run("swiftnet", ["serve", "--check-config"], environment: ["SWIFTNET_QUEUE": "x"])
        #expect(variable.errors.hasPrefix("Error: SWIFTNET_QUEUE: queue: expected a number"), "\(variable)")
        for flags in [["--mode", "x"], ["--bind", "0.0.0.0:8000"], ["--workers", "-1"]] {
            try checkUsage("serve", flags)
        }
    }

    /// Wrong usage is told with the command's own usage, also where it is found after the flags have been read.
    private func checkUsage(_ command: String, _ flags: [String], sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let result = try Command.run("swiftnet", [command] + flags)
        let lines = result.errors.split(separator: "\n")
        #expect(
            result.exitCode == 64 && (3...4).contains(lines.count) && lines[0].hasPrefix("Error: ")
                && lines[lines.count - 2].hasPrefix("Usage: swiftnet \(command) ")
                && lines.last == "  See 'swiftnet \(command) --help' for more information.", "\(result)",
            sourceLocation: sourceLocation)
    }

    @Test("of what a file leaves open, where nothing is left open")
    func options() throws {
        let digit = examples + "/digit.png"
        try folder.write(Array("nought\none\n".utf8), to: "labels.txt")
        try check(
            "swiftnet",
            [
                (["infer", "--size", "32x32", digit], 65, "takes [1, 28, 28]", "leave --size out"),
                (["infer", "--labels", "@labels.txt", digit], 65, "2 labels", "--labels FILE"),
                (["infer", "--labels", "@none", digit], 66, "No such file", "is the path right?"),
            ])
        try checkUsage("infer", ["--size", "1x", digit])
        try checkUsage("infer", ["--architecture", "resnet18", digit])
        try checkUsage("bench", ["--size", "28x28x1"])
        try checkUsage("add", ["name", digit, "--crop", "0"])
        for resize in ["-1", "8193"] { try checkUsage("add", ["name", digit, "--resize=\(resize)"]) }
        try checkUsage("add", ["name", digit, "--crop", "200", "--size", "224x224"])
        for mean in ["0.5,0.5", "nan", "1e39", ""] { try checkUsage("add", ["name", digit, "--mean", mean]) }
        for std in ["0", "1e-40", "inf"] { try checkUsage("add", ["name", digit, "--std", std]) }
        for flags in [["--precision", "int8"], ["--size", "28"], ["--labels", "x"], ["--max-pixels", "10"]] {
            try checkUsage("infer", ["--server", "127.0.0.1:9", digit] + flags)
        }
    }

    @Test("of checkpoints")
    func checkpoints() throws {
        try check(
            "weight-extract",
            [
                (["@none"], 66, "No such file", "is the path right?"),
                (["@text"], 65, "not a checkpoint", "weights .pth"),
                (["@empty"], 65, "a folder without an index", "name the checkpoint within it"),
                (["@cut.pt"], 65, "cut short", "Download it or save it again"),
                ([weights, "-o", "@none/x.pth"], 1, "none/x.pth: No such file", "is the path right?"),
                ([weights, "-o", "@text"], 1, "exists and has other contents", "--force"),
                ([weights, "--install", "x", "--weights", "@none"], 66, "No such file", "is the path right?"),
                ([weights, "--install", "x", "--labels", "@none"], 66, "No such file", "is the path right?"),
                ([weights, "--key", "none", "-o", "@x.pth"], 65, "no 'none' in the file", "--list FILE"),
                ([weights, "--limit", "maxTensors=1", "-o", "@x.pth"], 65, "maxTensors = 1", "raises it"),
                ([examples + "/onnx-classifier/digits.onnx"], 65, "ONNX", "'swiftnet add NAME FILE'"),
                (
                    [weights, "--install", ".x", "--weights", "@empty"], 65, "can't be a model's name",
                    "expected 1 to 128 letters"
                ),
            ])
    }
}
