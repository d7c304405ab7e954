// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// The command `weight-extract` as a user runs it.
@Suite("weight-extract")
struct WeightExtractTests {
    private let goldens = packageFolder + "/Tests/CheckpointsTests/Goldens"

    private func golden(_ name: String) throws -> [UInt8] { try #require(readFile("\(goldens)/\(name)")) }

    @Test("writes model.pth beside the input, and says where every byte went")
    func writesBesideTheInput() throws {
        let folder = try TemporaryFolder()
        try folder.write(golden("zip-training.pth"), to: "model.tar")
        let run = try Command.run(
            "weight-extract", [folder.path("model.tar"), "--verify", "--report", folder.path("report.json")])
        #expect(run.exitCode == 0)
        #expect(try folder.names() == ["model.pth", "model.tar", "report.json"])
        #expect(run.output.contains("8 tensors"))
        #expect(run.output.contains("at 'state_dict'"))
        #expect(run.output.contains("epoch = 12"))
        #expect(run.output.contains("accuracy = 0.8125"))
        #expect(run.output.contains("prefixes removed: module."))
        #expect(run.output.contains("verified"))
        #expect(run.output.contains("checksums: of the weights right, those of 315 dropped bytes right\n"))
        let report = String(decoding: try #require(folder.bytes("report.json")), as: UTF8.self)
        let size = try #require(folder.bytes("model.tar")).count
        #expect(report.contains("\"total\": \(size)\n"))
    }

    @Test("what exists is kept: the same contents are no error, others need --force, the default name too")
    func outputNeverDestroys() throws {
        let folder = try TemporaryFolder()
        let input = try folder.write(golden("zip-training.pth"), to: "in.ckpt")
        #expect(try Command.run("weight-extract", [input]).exitCode == 0)
        let written = folder.bytes("model.pth")
        let again = try Command.run("weight-extract", [input, "--verify"])
        #expect(again.exitCode == 0)
        #expect(again.output.contains("unchanged, verified"))
        try folder.write(Array("months of work".utf8), to: "model.pth")
        let refused = try Command.run("weight-extract", [input])
        #expect(refused.exitCode == 1)
        #expect(refused.errors.contains("--force"))
        #expect(folder.bytes("model.pth") == Array("months of work".utf8))
        #expect(
            try Command.run("weight-extract", [input, "--report", folder.path("model.pth"), "-o", folder.path("o")])
                .exitCode == 1)
        #expect(folder.bytes("model.pth") == Array("months of work".utf8))
        #expect(try folder.names() == ["in.ckpt", "model.pth", "o"])
        #expect(try Command.run("weight-extract", [input, "--force"]).exitCode == 0)
        #expect(folder.bytes("model.pth") == written)
    }

    @Test("a partial result is said in the first line, and has an exit code of its own")
    func partial() throws {
        let folder = try TemporaryFolder()
        let arguments = ["\(goldens)/torchscript-quantised.pt", "-o", folder.path("w.pth"), "--verify"]
        let run = try Command.run("weight-extract", arguments)
        #expect(run.exitCode == 3)
        #expect(run.output.hasPrefix("1 of 2 tensors"))
        #expect(run.errors.contains("only 1 of 2 tensors were taken"))
        #expect(try Command.run("weight-extract", arguments + ["--partial"]).exitCode == 0)
        let whole = try Command.run("weight-extract", arguments + ["--dequantize", "--force"])
        #expect(whole.exitCode == 0)
        #expect(whole.output.hasPrefix("2 tensors"))
        let none = try Command.run("weight-extract", ["\(goldens)/quantised.pth", "-o", folder.path("none.pth")])
        #expect(none.exitCode == 65)
        #expect(try folder.names() == ["w.pth"])
    }

    @Test("whole numbers and other types are counted in the first line")
    func otherTypes() throws {
        let folder = try TemporaryFolder()
        let run = try Command.run("weight-extract", ["\(goldens)/zip-types.pth", "-o", folder.path("w.pth")])
        #expect(run.output.hasPrefix("11 tensors, 66 parameters and 28 elements of other types"))
    }

    @Test("--all writes each network to its own file")
    func allNetworks() throws {
        let folder = try TemporaryFolder()
        // One network's file stands for two: a root with tensors of its own, and a place within.
        let input = try folder.write(golden("zip-several.pth"), to: "gan.ckpt")
        let refused = try Command.run("weight-extract", [input])
        #expect(refused.exitCode == 65)
        #expect(refused.errors.contains("generator_a, critic"))
        #expect(try Command.run("weight-extract", [input, "--all", "-q", "--verify"]).exitCode == 0)
        #expect(try folder.names() == ["gan.ckpt", "gan.critic.pth", "gan.generator_a.pth"])
    }

    @Test("--list writes nothing")
    func listWritesNothing() throws {
        let folder = try TemporaryFolder()
        try folder.write(golden("zip-training.pth"), to: "in.pth")
        let run = try Command.run("weight-extract", [folder.path("in.pth"), "--list"])
        #expect(run.exitCode == 0)
        #expect(run.output.contains("conv.weight  float32  [2, 1, 3, 3]"))
        #expect(try folder.names() == ["in.pth"])
    }

    @Test("the output's name chooses safetensors")
    func writesSafetensors() throws {
        let folder = try TemporaryFolder()
        let output = folder.path("w.safetensors")
        #expect(
            try Command.run("weight-extract", ["\(goldens)/legacy-training.pth", "-o", output, "--dtype", "f16"])
                .exitCode == 0)
        let bytes = try #require(readFile(output))
        #expect(String(decoding: bytes.prefix(300), as: UTF8.self).contains("\"dtype\":\"F16\""))
    }

    @Test(
        "exit codes tell what went wrong",
        arguments: [
            (["/no/such/file.pth"], 66), (["--list", "-o", "x", "/dev/null"], 64),
            (["--dtype", "f8", "/dev/null"], 64),
            (["--limit", "maxNothing=3", "/dev/null"], 64),
        ] as [([String], Int32)])
    func exitCodes(arguments: [String], code: Int32) throws {
        #expect(try Command.run("weight-extract", arguments).exitCode == code)
    }

    @Test("what can't be written is not a missing input")
    func unwritableOutputs() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write([], to: "file")
        let input = "\(goldens)/zip-training.pth"
        for output in [file + "/model.pth", folder.path("none/model.pth")] {
            #expect(try Command.run("weight-extract", [input, "-o", output]).exitCode == 1)
            #expect(try Command.run("weight-extract", [input, "--list", "--report", output]).exitCode == 1)
        }
        #expect(try Command.run("weight-extract", [file + "/model.pth"]).exitCode == 66)
    }

    @Test("a file that is no checkpoint is bad data, in one line and without its control characters")
    func badData() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("hello".utf8), to: "bad\u{1B}[31m.pth")
        let run = try Command.run("weight-extract", [folder.path("bad\u{1B}[31m.pth")])
        #expect(run.exitCode == 65)
        #expect(!run.errors.contains("\u{1B}"))
        #expect(run.errors.split(separator: "\n").count == 1)
    }

    @Test("checksums of what is dropped are not read, and said so; --verify reads them before it writes")
    func checksumsOfWhatIsDropped() throws {
        let folder = try TemporaryFolder()
        var file = try golden("zip-training.pth")
        let name = Array("zip-training/data/23".utf8)
        let start = try #require(file.indices.first { file[$0...].starts(with: name) })
        let extra = Int(file[start - 2]) | Int(file[start - 1]) << 8
        file[start + name.count + extra] ^= 1
        let input = try folder.write(file, to: "in.pth")
        let verified = try Command.run("weight-extract", [input, "--verify"])
        #expect(verified.exitCode == 65)
        #expect(verified.errors.contains("zip-training/data/23"))
        #expect(try folder.names() == ["in.pth"])
        let plain = try Command.run("weight-extract", [input])
        #expect(plain.exitCode == 0)
        #expect(plain.output.contains("checksums: of the weights right, those of 315 dropped bytes not read"))
    }

    @Test("a limit can be set")
    func limitIsSet() throws {
        let run = try Command.run(
            "weight-extract", ["\(goldens)/zip-training.pth", "--list", "--limit", "maxOpcodes=10"])
        #expect(run.exitCode == 65)
        #expect(run.errors.contains("maxOpcodes = 10"))
    }

    @Test("the input is never replaced by the output")
    func inputIsKept() throws {
        let folder = try TemporaryFolder()
        try folder.write(golden("zip-training.pth"), to: "model.pth")
        let before = folder.bytes("model.pth")
        #expect(try Command.run("weight-extract", [folder.path("model.pth")]).exitCode == 1)
        #expect(folder.bytes("model.pth") == before)
    }

    /// A model's description, as the repository has it.
    private func description(_ name: String, _ architecture: String, side: Int, channels: Int, classes: Int) -> [UInt8]
    {
        let numbers = Array(repeating: "0.5", count: channels).joined(separator: ",")
        let labels = (0..<classes).map { "\"\($0)\"" }.joined(separator: ",")
        return Array(
            """
            {"name":"\(name)","architecture":"\(architecture)","input":{"width":\(side),"height":\(side),"channels":\(channels),\
            "preprocessing":"photo","mean":[\(numbers)],"std":[\(numbers)]},"labels":[\(labels)],\
            "versions":{"3":{"file":"model.pth"}}}
            """.utf8)
    }

    @Test("--install refuses weights of another architecture, and leaves the repository as it was")
    func installChecksTheArchitecture() throws {
        let folder = try TemporaryFolder()
        let known = description("mnist", "mnist-cnn", side: 28, channels: 1, classes: 10)
        try folder.write(known, to: "Weights/mnist/model.json")
        for (input, words) in [
            ("\(goldens)/zip-training.pth", ["mnist-cnn", "no architecture that is known"]),
            (packageFolder + "/Weights/mnist-mlp/1/model.pth", ["mnist-cnn", "mnist-mlp"]),
        ] {
            let run = try Command.run(
                "weight-extract", [input, "--install", "mnist", "--weights", folder.path("Weights")])
            #expect(run.exitCode == 65)
            for word in words { #expect(run.errors.contains(word), "no '\(word)' in: \(run.errors)") }
        }
        #expect(try folder.names("Weights/mnist") == ["model.json"])
        #expect(folder.bytes("Weights/mnist/model.json") == known)
        // A new model of an unknown network is none either.
        let run = try Command.run(
            "weight-extract",
            ["\(goldens)/zip-training.pth", "--install", "new", "--weights", folder.path("Weights")])
        #expect(run.exitCode == 65 && run.errors.contains("no known architecture"), "\(run.errors)")
        #expect(try folder.names("Weights") == ["mnist"])
    }

    @Test("--install makes a model as 'swiftnet add' does, and the next version of one that is there")
    func installMakesModels() throws {
        let folder = try TemporaryFolder()
        try folder.write([], to: "Weights/.keep")
        let input = packageFolder + "/Weights/mnist/1/model.pth"
        for version in 1...2 {
            let run = try Command.run(
                "weight-extract", [input, "--install", "digits", "--weights", folder.path("Weights")])
            #expect(run.exitCode == 0, "\(run.errors)")
            #expect(run.output.contains("installed as digits \(version)"))
        }
        #expect(try folder.names("Weights/digits") == ["1", "2", "model.json"])
        let answer = try Command.run(
            "swiftnet",
            ["infer", "--weights", folder.path("Weights"), "--version", "2", packageFolder + "/Examples/digit.png"])
        #expect(answer.output.contains(": 7  "), "\(answer.errors)")
    }

    /// The test's own arguments are text, so a shell gives the names.
    @Test("names that are no UTF-8 are read and written")
    func otherNames() throws {
        let folder = try TemporaryFolder()
        let script = """
            cd "$1"; name=$(printf 'caf\\351.pth'); cp "$2" "$name"
            "$3" "$name" && "$3" -o "o$name" --report "r$name" --verify "$name" && test -f model.pth &&
            test -f "o$name" && cat "r$name"
            """
        let result = try Command.run(
            path: "/bin/sh",
            [
                "-c", script, "sh", folder.path("."), packageFolder + "/Weights/mnist/1/model.pth",
                try Command.path("weight-extract"),
            ])
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(result.output.contains("ocaf\\xE9.pth, verified\n"))
        #expect(result.output.contains(#""path": "caf\\xE9.pth""#), "\(result.output)")
    }

    @Test("--install takes the names of classes from the user")
    func installTakesLabels() throws {
        let folder = try TemporaryFolder()
        try folder.write([], to: "Weights/.keep")
        let names = try folder.write(Array("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".utf8), to: "names.txt")
        let input = packageFolder + "/Weights/mnist/1/model.pth"
        let install = [input, "--install", "letters", "--weights", folder.path("Weights"), "--labels"]
        let wrong = try Command.run("weight-extract", install + [packageFolder + "/LICENSE"])
        #expect(wrong.exitCode == 65 && wrong.errors.contains("labels, but its weights"), "\(wrong)")
        #expect(try folder.names("Weights") == [".keep"])
        let run = try Command.run("weight-extract", install + [names])
        #expect(run.exitCode == 0, "\(run.errors)")
        let answer = try Command.run(
            "swiftnet", ["infer", "--weights", folder.path("Weights"), packageFolder + "/Examples/digit.png"])
        #expect(answer.output.contains(": h  "), "\(answer)")
    }

    @Test(
        "the real checkpoint becomes the next version of its model",
        .enabled(
            if: realCheckpoint("rotation.pth.tar") != nil, "the folder of checkpoints is absent: SWIFTNET_CHECKPOINTS"))
    func installsTheRealCheckpoint() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            description("rotation", "efficientnet-b0", side: 224, channels: 3, classes: 4),
            to: "Weights/rotation/model.json")
        let input = try #require(realCheckpoint("rotation.pth.tar"))
        let run = try Command.run(
            "weight-extract", [input, "--install", "rotation", "--weights", folder.path("Weights"), "--verify"])
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(try folder.names("Weights/rotation/4") == ["model.pth"])
        let description = String(decoding: try #require(folder.bytes("Weights/rotation/model.json")), as: UTF8.self)
        #expect(description.contains("\"3\": {"))
        #expect(description.contains("\"4\": {"))
        #expect(description.contains("\"bytes\": 16307603"))
        #expect(description.contains("\"epoch\": 1,"))
        #expect(description.contains("\"testAccuracy\": 0.608333,"))
        #expect(description.contains("\"testSet\": \"not known: the checkpoint says best_acc1 = 60.833332\""))
    }
}
