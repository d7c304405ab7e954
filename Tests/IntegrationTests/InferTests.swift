// SPDX-License-Identifier: MIT

import Foundation
import Images
import TestSupport
import Testing

/// `swiftnet infer` and its neighbours, on the committed weights and examples.
@Suite("swiftnet infer")
struct InferTests {
    private let folder: TemporaryFolder
    private let digit = packageFolder + "/Examples/digit.png"

    init() throws {
        folder = try TemporaryFolder()
    }

    private func infer(_ arguments: String..., environment: [String: String] = [:]) throws -> Command.Result {
        try Command.run("swiftnet", ["infer"] + arguments, environment: environment)
    }

    /// The lines of `--json`, read by another reader than the writer's.
    private func objects(_ result: Command.Result) throws -> [[String: Any]] {
        try result.output.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    /// Expects a failure told in one line that names the file, and nothing on standard output.
    private func expectFailure(
        _ result: Command.Result, code: Int32, naming words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.exitCode == code, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.output.isEmpty, sourceLocation: sourceLocation)
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)", sourceLocation: sourceLocation)
        for word in words {
            #expect(result.errors.contains(word), "no '\(word)' in: \(result.errors)", sourceLocation: sourceLocation)
        }
    }

    // MARK: Answers

    @Test("a digit gets a line: name, label, confidence")
    func line() throws {
        let result = try infer(digit)
        #expect(result.exitCode == 0)
        #expect(result.output.hasPrefix("\(digit): 7  "))
        #expect(result.output.hasSuffix(" %\n"))
        #expect(result.errors.isEmpty)
    }

    /// With more threads the one image is prepared while its model is loaded.
    @Test("one image is answered, and refused, as with one thread")
    func oneImage() throws {
        let bad = try folder.write(Array("no image".utf8), to: "bad.png")
        for image in [digit, bad, folder.path("missing.png")] {
            let one = try infer("--threads", "1", image)
            let two = try infer("--threads", "2", image)
            #expect(two.output == one.output && two.errors == one.errors && two.exitCode == one.exitCode)
            // What is wrong with the model is told first, whatever the image is.
            let unknown = try infer("--threads", "2", "--model", "none", image)
            expectFailure(unknown, code: 66, naming: "'none'")
        }
    }

    @Test("every level of kernels and both models read the example", arguments: ["mnist", "mnist-mlp"])
    func levels(model: String) throws {
        for level in ["portable", "avx2", "avx512"] {
            let result = try infer("--model", model, digit, environment: ["SWIFTNET_ISA": level])
            if result.exitCode == 64 {
                expectFailure(result, code: 64, naming: "SWIFTNET_ISA", level)
                // The processor, or a build for debugging.
                #expect(["lacks it", "built with the portable kernels only"].contains(where: result.errors.contains))
            } else {
                #expect(result.output.contains(": 7  "))
            }
        }
    }

    @Test("an unknown level of kernels is refused")
    func unknownLevel() throws {
        expectFailure(
            try infer(digit, environment: ["SWIFTNET_ISA": "avx9"]), code: 64, naming: "avx9", "portable, avx2, avx512")
    }

    @Test("whose products of matrices is a choice, and an unknown one is refused")
    func products() throws {
        for products in ["auto", "packed", "openblas"] {
            let result = try infer(digit, environment: ["SWIFTNET_ISA": "portable", "SWIFTNET_GEMM": products])
            #expect(result.output.contains(": 7  "))
        }
        expectFailure(
            try infer(digit, environment: ["SWIFTNET_GEMM": "mkl"]), code: 64, naming: "mkl", "auto, packed, openblas")
    }

    @Test("JSON has all fields, scores that sum to 1, and the top K")
    func json() throws {
        let object = try #require(try objects(infer("--json", "--top", "3", digit)).first)
        #expect(
            Set(object.keys) == [
                "file", "model", "version", "label", "class", "confidence", "scores", "top", "milliseconds",
            ])
        #expect(object["file"] as? String == digit)
        #expect(object["model"] as? String == "mnist")
        #expect(object["version"] as? Int == 2)
        #expect(object["label"] as? String == "7")
        #expect(object["class"] as? Int == 7)
        let scores = try #require(object["scores"] as? [Double])
        #expect(scores.count == 10)
        #expect(abs(scores.reduce(0, +) - 1) < 1e-5)
        #expect(object["confidence"] as? Double == scores[7])
        #expect((object["top"] as? [Any])?.count == 3)
    }

    @Test("standard input is a file like any other")
    func standardInput() throws {
        let result = try Command.run("swiftnet", ["infer", "-"], input: digit)
        #expect(result.output.hasPrefix("-: 7  "))
    }

    @Test("answers come in the order of the arguments, on any number of threads", arguments: ["1", "3"])
    func order(threads: String) throws {
        let examples = ["digit.png", "mnist-form.png", "blackboard.png", "photo.jpg"].map {
            packageFolder + "/Examples/" + $0
        }
        let arguments = (0..<50).map { examples[$0 * 7 % 4] }
        let result = try Command.run("swiftnet", ["infer", "--json", "--threads", threads] + arguments)
        #expect(try objects(result).map { $0["file"] as? String } == arguments)
        let labels = ["7", "3", "5", "4"]
        #expect(try objects(result).map { $0["label"] as? String } == (0..<50).map { labels[$0 * 7 % 4] })
    }

    @Test("a folder stands for its images, sorted by name")
    func folders() throws {
        let bytes = try #require(readFile(digit))
        for name in ["b.png", "a.PNG", "notes.txt", ".hidden.png"] { try folder.write(bytes, to: "in/" + name) }
        let result = try infer("--json", folder.path("in"))
        #expect(try objects(result).map { $0["file"] as? String } == ["in/a.PNG", "in/b.png"].map(folder.path))
        #expect(result.exitCode == 0)
    }

    @Test("a weights file of any recognised kind answers without a repository")
    func weightsFile() throws {
        let weights = packageFolder + "/Weights/mnist/1/model.pth"
        let object = try #require(try objects(infer("--json", "--weights", weights, digit)).first)
        #expect(object["label"] as? String == "7")
        #expect(object["version"] as? Int == 0)
    }

    // MARK: Bad input

    @Test("a missing file is told, with its exit code")
    func missingFile() throws {
        expectFailure(try infer(folder.path("none.png")), code: 66, naming: "none.png", "No such file")
    }

    @Test("files that are no images are told apart: empty, text, a folder without images")
    func noImages() throws {
        try folder.write([], to: "empty.png")
        expectFailure(try infer(folder.path("empty.png")), code: 65, naming: "empty.png", "empty")
        try folder.write(Array("hello".utf8), to: "text.png")
        expectFailure(try infer(folder.path("text.png")), code: 65, naming: "text.png", "expected a PNG, JPEG")
        try folder.write(Array("hello".utf8), to: "texts/readme.txt")
        expectFailure(try infer(folder.path("texts")), code: 66, naming: "texts", "no images")
    }

    @Test("an image cut short at any length is told, and never crashes", arguments: ["digit.png", "photo.jpg"])
    func truncated(name: String) throws {
        let bytes = try #require(readFile(packageFolder + "/Examples/" + name))
        let lengths = (0..<40).map { $0 * bytes.count / 40 }
        for length in lengths { try folder.write(Array(bytes.prefix(length)), to: "\(length)-\(name)") }
        let result = try Command.run("swiftnet", ["infer"] + lengths.map { folder.path("\($0)-\(name)") })
        #expect(result.exitCode == 1)
        #expect(result.output.isEmpty)
        #expect(result.errors.split(separator: "\n").count == lengths.count)
    }

    @Test("a header of 60,000 x 60,000 pixels is refused before memory is taken, by a limit that can be set")
    func hugeHeader() throws {
        var bytes = try #require(readFile(digit))
        bytes.replaceSubrange(16..<24, with: [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60])
        let sum = crc32(bytes[12..<29])
        bytes.replaceSubrange(29..<33, with: (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * $0)) })
        try folder.write(bytes, to: "huge.png")
        expectFailure(try infer(folder.path("huge.png")), code: 65, naming: "huge.png", "60000 x 60000", "limit")
        expectFailure(try infer("--max-pixels", "100", digit), code: 65, naming: "digit.png", "100")
    }

    @Test("a blank sheet is no digit")
    func blank() throws {
        let page = try Image(width: 90, height: 70, format: .gray8, pixels: .init(repeating: 240, count: 6300))
        try folder.write(try ImageEncoder.png(page), to: "blank.png")
        expectFailure(try infer(folder.path("blank.png")), code: 1, naming: "blank.png", "no digit")
        let result = try infer("--json", folder.path("blank.png"))
        #expect(result.output.contains(#""error":"no_digit""#))
    }

    @Test("a bad file among good ones costs them nothing")
    func badAmongGood() throws {
        let result = try infer(digit, folder.path("none.png"), digit)
        #expect(result.exitCode == 1)
        #expect(result.output.split(separator: "\n").count == 2)
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test("weights that don't fit are told with what is missing")
    func strangeWeights() throws {
        try folder.write(try safetensors(["conv1.weight": [32, 1, 3, 3], "conv1.bias": [32]]), to: "part.safetensors")
        expectFailure(
            try infer("--weights", folder.path("part.safetensors"), digit), code: 65, naming: "mnist-cnn", "missing 6",
            "conv2.weight")
    }

    @Test("weights with NaN are told by name")
    func weightsWithNaN() throws {
        let shapes = ["fc1.weight": [128, 784], "fc1.bias": [128], "fc2.weight": [10, 128], "fc2.bias": [10]]
        try folder.write(try safetensors(shapes, value: .nan), to: "nan.safetensors")
        expectFailure(
            try infer("--weights", folder.path("nan.safetensors"), digit), code: 65, naming: "fc1.weight", "NaN")
    }

    @Test("an unknown model or version is told with those that are known")
    func unknownModels() throws {
        expectFailure(try infer("--model", "lenet", digit), code: 66, naming: "lenet", "mnist")
        expectFailure(try infer("--version", "7", digit), code: 66, naming: "version 7", "1")
    }

    @Test(
        "wrong usage is refused",
        arguments: [
            [], ["--top", "0", "x"], ["--threads", "0", "x"], ["--version", "0", "x"], ["-", "-"], ["--what"],
        ])
    func usage(arguments: [String]) throws {
        #expect(try Command.run("swiftnet", ["infer"] + arguments).exitCode == 64)
    }

    // MARK: Neighbours

    @Test("models lists the repository")
    func models() throws {
        let result = try Command.run("swiftnet", ["models"])
        #expect(result.exitCode == 0)
        for word in ["mnist ", "mnist-mlp", "mnist-cnn", "28x28x1", "99.4 %", "4.8 MB"] {
            #expect(result.output.contains(word))
        }
    }

    @Test("inspect lists tensors and recognises the network")
    func inspect() throws {
        let result = try Command.run("swiftnet", ["inspect", packageFolder + "/Weights/mnist/1/model.pth"])
        #expect(result.exitCode == 0)
        for word in ["conv1.weight", "[32, 1, 3, 3]", "f32", "8 tensors", "architecture: mnist-cnn"] {
            #expect(result.output.contains(word))
        }
    }

    @Test("help, version and completions are there")
    func help() throws {
        #expect(try Command.run("swiftnet", ["--version"]).output == "swiftnet 0.1.0\n")
        #expect(try Command.run("weight-extract", ["--version"]).output == "weight-extract 0.1.0\n")
        #expect(try Command.run("swiftnet", ["--help"]).output.contains("EXIT CODES"))
        for shell in ["bash", "zsh", "fish"] {
            let result = try Command.run("swiftnet", ["--generate-completion-script", shell])
            #expect(result.exitCode == 0 && result.output.contains("infer"))
            #expect(
                try Command.run("swiftnet", ["infer", "--generate-completion-script", shell]).output == result.output)
        }
    }

    @Test("a command that is parsed by itself tells what the whole program would tell of it")
    func commandByItself() throws {
        for command in ["infer", "rotate", "serve", "plan"] {
            let help = try Command.run("swiftnet", [command, "--help"])
            #expect(help.exitCode == 0 && help.output.contains("\nUSAGE: swiftnet \(command) "), "\(help)")
            #expect(try Command.run("swiftnet", ["help", command]).output == help.output)
            let wrong = try Command.run("swiftnet", [command, "--nonsense"])
            #expect(wrong.exitCode == 64 && wrong.errors.hasPrefix("Error: "), "\(wrong)")
            #expect(wrong.errors.contains("\nUsage: swiftnet \(command) "), "\(wrong)")
        }
        // The name of a command is that of a file where it stands behind one.
        let file = try Command.run("swiftnet", ["infer", "infer"])
        #expect(file.exitCode == 66 && file.errors.contains("infer: "), "\(file)")
    }

    // MARK: Making files

    private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
    }

    /// A safetensors file whose values are all the same.
    private func safetensors(_ shapes: [String: [Int]], value: Float = 0) throws -> [UInt8] {
        var entries: [String] = []
        var offset = 0
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            let end = offset + shape.reduce(4, *)
            entries.append(#""\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[\#(offset),\#(end)]}"#)
            offset = end
        }
        let header = Array(("{" + entries.joined(separator: ",") + "}").utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        let bits = (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
        return length + header + (0..<(offset / 4)).flatMap { _ in bits }
    }
}
