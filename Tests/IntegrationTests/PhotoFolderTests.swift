// SPDX-License-Identifier: MIT

import Foundation
import Images
import TestSupport
import Testing

/// Folders as they are found: pipes, names that are no text, folders within folders, files of other kinds.
@Suite("Folders of images")
struct PhotoFolderTests {
    private let folder: TemporaryFolder
    private let digit: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        digit = try #require(readFile(packageFolder + "/Examples/digit.png"))
    }

    private func infer(_ arguments: String...) throws -> Command.Result {
        try Command.run("swiftnet", ["infer", "--model", "mnist-mlp"] + arguments)
    }

    @Test("a pipe in a folder is passed over and told, and the images beside it are answered")
    func passesOverPipe() throws {
        try folder.write(digit, to: "photos/a.png")
        #expect(mkfifo(folder.path("photos/x.jpg"), 0o600) == 0)
        let result = try infer(folder.path("photos"))
        #expect(result.exitCode == 0)
        #expect(result.output.contains("a.png: 7"))
        #expect(result.errors.contains("x.jpg: not a regular file; passed over"), "\(result.errors)")
    }

    @Test("a folder says what it passed over, and -r goes down")
    func goesDown() throws {
        for name in ["a.png", "sub/b.PNG", "sub/deeper/c.png", ".hidden/d.png", "sub/.e.png"] {
            try folder.write(digit, to: "photos/\(name)")
        }
        for name in ["x.gif", "y.gif", "notes.txt"] { try folder.write([1], to: "photos/\(name)") }
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("photos/sub/circle"), withDestinationPath: folder.path("photos"))
        let flat = try infer(folder.path("photos"))
        #expect(flat.output.split(separator: "\n").count == 1)
        #expect(
            flat.errors.hasSuffix("passed over 3 files of other kinds (2 .gif, 1 .txt) and 1 folder (-r goes down)\n"))
        let deep = try infer("-r", folder.path("photos"))
        #expect(deep.exitCode == 0)
        #expect(
            deep.output.split(separator: "\n").map { $0.split(separator: ":")[0].split(separator: "/").last } == [
                "a.png", "b.PNG", "c.png",
            ])
        #expect(deep.errors.hasSuffix("and 1 folder (links are not followed)\n"), "\(deep.errors)")
    }

    /// The test's own arguments are text, so a shell gives the name.
    @Test("a name that is no UTF-8 is read in a folder and by itself, and rotate writes it")
    func readsOtherNames() throws {
        try folder.write([], to: "photos/.keep")
        let script = """
            cd "$1/photos"; name=$(printf 'caf\\351.png'); cp "$2" "$name"
            "$3" infer --model mnist-mlp . && "$3" infer --json --model mnist-mlp "$name" &&
            "$3" rotate --min-confidence 1 --out ../out "$name" && test -f "../out/$name"
            """
        let result = try Command.run(
            path: "/bin/sh",
            [
                "-c", script, "sh", folder.path(""), packageFolder + "/Examples/digit.png",
                try Command.path("swiftnet"),
            ])
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(result.output.contains("caf\\xE9.png: 7"))
        #expect(result.output.contains(#""file":"caf\\xE9.png""#), "\(result.output)")
    }
}
