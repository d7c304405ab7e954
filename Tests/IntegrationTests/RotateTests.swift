// SPDX-License-Identifier: MIT

import Foundation
import Images
import TestSupport
import Testing

/// `swiftnet rotate`, with a model whose answer is always the same: the network's weights are zero but for one bias.
@Suite("swiftnet rotate")
struct RotateTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Writes a repository with a model that takes every photo for turned by `direction`, as sure as `bias` has it.
    private func writeModel(direction: Int, bias: Float = 20) throws {
        var biases = [Float](repeating: 0, count: 10)
        biases[direction / 90] = bias
        let tensors: [(name: String, shape: [Int], values: [Float])] = [
            ("fc1.weight", [128, 784], [Float](repeating: 0, count: 128 * 784)),
            ("fc1.bias", [128], [Float](repeating: 0, count: 128)),
            ("fc2.weight", [10, 128], [Float](repeating: 0, count: 1280)),
            ("fc2.bias", [10], biases),
        ]
        var entries: [String] = []
        var data: [UInt8] = []
        for tensor in tensors {
            let bytes = tensor.values.flatMap { value in
                withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
            }
            entries.append(
                #""\#(tensor.name)":{"dtype":"F32","shape":\#(tensor.shape),"data_offsets":[\#(data.count),\#(data.count + bytes.count)]}"#
            )
            data += bytes
        }
        let header = Array(("{" + entries.joined(separator: ",") + "}").utf8)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        try folder.write(length + header + data, to: "models/rotation/1/model.safetensors")
        let description = """
            {"name":"rotation","architecture":"mnist-mlp","input":{"width":28,"height":28,"channels":1,
            "preprocessing":"photo","mean":[0],"std":[1]},"labels":["0","90","180","270","0","90","180","270","0","90"],
            "versions":{"1":{"file":"model.safetensors"}}}
            """
        try folder.write(Array(description.utf8), to: "models/rotation/model.json")
    }

    private func rotate(_ arguments: String...) throws -> Command.Result {
        try Command.run("swiftnet", ["rotate", "--weights", folder.path("models"), "--views", "1"] + arguments)
    }

    /// A picture without symmetry.
    private func picture(width: Int = 32, height: Int = 48) throws -> Image {
        let pixels = (0..<(width * height)).flatMap { index -> [UInt8] in
            [UInt8(index % width * 255 / width), UInt8(index / width * 255 / height), index % width < 8 ? 255 : 0]
        }
        return try Image(width: width, height: height, format: .rgb8, pixels: pixels)
    }

    private func decoded(_ name: String) throws -> Image {
        try ImageDecoder.decode(try #require(folder.bytes(name), "\(name) is missing")).upright
    }

    @Test("photos that lie on their side are written upright to a folder, and the originals stay")
    func writesToFolder() throws {
        try writeModel(direction: 90)
        let image = try picture()
        let png = try ImageEncoder.png(image)
        let jpeg = try ImageEncoder.jpeg(image, quality: 95)
        try folder.write(png, to: "photos/a.png")
        try folder.write(jpeg, to: "photos/b.jpg")
        let result = try rotate("--out", folder.path("upright"), folder.path("photos"))
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(result.output.hasSuffix("2 turned, 0 upright, 0 unsure, 0 failed\n"), "\(result.output)")
        #expect(try decoded("upright/a.png") == image.turned(3))
        let (turned, original) = (try decoded("upright/b.jpg"), try ImageDecoder.decode(jpeg).image.turned(3))
        #expect(zip(turned.pixels, original.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 6 })
        #expect(folder.bytes("photos/a.png") == png)
        #expect(folder.bytes("photos/b.jpg") == jpeg)
    }

    @Test("photos that stand upright are copied to the folder, and left alone in place")
    func keepsUprightPhotos() throws {
        try writeModel(direction: 0)
        let png = try ImageEncoder.png(try picture())
        try folder.write(png, to: "photos/a.png")
        #expect(
            try rotate("--in-place", folder.path("photos")).output.hasSuffix(
                "0 turned, 1 upright, 0 unsure, 0 failed\n"))
        #expect(folder.bytes("photos/a.png") == png)
        #expect(try rotate("--out", folder.path("upright"), folder.path("photos/a.png")).exitCode == 0)
        #expect(folder.bytes("upright/a.png") == png)
    }

    @Test("a photo is replaced in one step, with its permissions, and through a link")
    func replacesInPlace() throws {
        try writeModel(direction: 180)
        let image = try picture()
        try folder.write(try ImageEncoder.png(image), to: "photos/a.png")
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o640]
        try FileManager.default.setAttributes(attributes, ofItemAtPath: folder.path("photos/a.png"))
        try FileManager.default.createSymbolicLink(atPath: folder.path("link.png"), withDestinationPath: "photos/a.png")
        let result = try rotate("--in-place", folder.path("link.png"))
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(try decoded("photos/a.png") == image.turned(2))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("link.png")) == "photos/a.png")
        let now = try FileManager.default.attributesOfItem(atPath: folder.path("photos/a.png"))
        let permissions = try #require(now[.posixPermissions] as? NSNumber)
        #expect(permissions.intValue == 0o640)
        #expect(try folder.names("photos") == ["a.png"])
    }

    @Test("a photo with a second name stays as it was under that one: backups by hard links keep theirs")
    func replacesOneNameOfSeveral() throws {
        try writeModel(direction: 180)
        let image = try picture()
        let png = try ImageEncoder.png(image)
        try folder.write(png, to: "photos/a.png")
        try FileManager.default.linkItem(atPath: folder.path("photos/a.png"), toPath: folder.path("backup.png"))
        let result = try rotate("--in-place", folder.path("photos"))
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(try decoded("photos/a.png") == image.turned(2))
        #expect(folder.bytes("backup.png") == png)
    }

    @Test("a photo that the model is unsure of is left as it is and listed")
    func leavesUnsurePhotos() throws {
        try writeModel(direction: 90, bias: 1)
        let png = try ImageEncoder.png(try picture())
        try folder.write(png, to: "photos/a.png")
        let result = try rotate("--in-place", folder.path("photos"))
        #expect(result.exitCode == 0)
        #expect(result.output.contains("a.png: unsure, left as it is"))
        #expect(folder.bytes("photos/a.png") == png)
        #expect(try rotate("--in-place", "--min-confidence", "0.1", folder.path("photos")).output.contains("1 turned"))
        #expect(folder.bytes("photos/a.png") != png)
    }

    @Test("a rehearsal writes nothing")
    func rehearses() throws {
        try writeModel(direction: 90)
        let png = try ImageEncoder.png(try picture())
        try folder.write(png, to: "photos/a.png")
        let result = try rotate("--dry-run", "--out", folder.path("upright"), folder.path("photos"))
        #expect(result.output.hasSuffix("1 to turn, 0 upright, 0 unsure, 0 failed\n"))
        #expect(folder.bytes("photos/a.png") == png)
        #expect(!FileManager.default.fileExists(atPath: folder.path("upright")))
    }

    @Test("files that are in the folder already stay")
    func neverOverwrites() throws {
        try writeModel(direction: 90)
        try folder.write(try ImageEncoder.png(try picture()), to: "photos/a.png")
        try folder.write([1, 2, 3], to: "upright/a.png")
        let result = try rotate("--out", folder.path("upright"), folder.path("photos"))
        #expect(result.exitCode == 1)
        #expect(result.errors.contains("upright/a.png' exists and has other contents, so it stays as it is"))
        #expect(folder.bytes("upright/a.png") == [1, 2, 3])
        #expect(try folder.names("upright") == ["a.png"])
    }

    @Test("bad files among good ones are reported, and the good ones written")
    func reportsBadFiles() throws {
        try writeModel(direction: 90)
        let jpeg = try ImageEncoder.jpeg(try picture(), quality: 90)
        for index in 0..<20 { try folder.write(jpeg, to: "photos/good\(index).jpg") }
        try folder.write(Array("no image".utf8), to: "photos/text.jpg")
        try folder.write([], to: "photos/empty.jpg")
        try folder.write(Array(jpeg.prefix(jpeg.count / 2)), to: "photos/cut.jpg")
        let result = try rotate("--out", folder.path("upright"), folder.path("photos"), folder.path("missing.jpg"))
        #expect(result.exitCode == 1)
        #expect(result.output.hasSuffix("20 turned, 0 upright, 0 unsure, 4 failed\n"), "\(result.output)")
        // A line for each of them, and one that says that the folder was made.
        #expect(result.errors.split(separator: "\n").count == 5, "\(result.errors)")
        for name in ["text.jpg", "empty.jpg", "cut.jpg", "missing.jpg"] { #expect(result.errors.contains(name)) }
        #expect(try folder.names("upright").count == 20)
    }

    @Test("a photo whose size is no multiple of its blocks keeps all pixels, or is trimmed where that is asked for")
    func treatsPartialBlocks() throws {
        try writeModel(direction: 180)
        let jpeg = try ImageEncoder.jpeg(try picture(width: 37, height: 50), quality: 90)
        try folder.write(jpeg, to: "a.jpg")
        #expect(try rotate("--out", folder.path("whole"), folder.path("a.jpg")).output.contains("encoded again"))
        #expect(try rotate("--trim", "--out", folder.path("cut"), folder.path("a.jpg")).output.contains("trimmed"))
        let (whole, cut) = (try decoded("whole/a.jpg"), try decoded("cut/a.jpg"))
        #expect((whole.width, whole.height) == (37, 50))
        #expect((cut.width, cut.height) == (32, 48))
    }

    /// A limit on the size of files stands for a disk that is full: the write fails half-way in the same manner.
    @Test("a write that fails half-way loses nothing")
    func survivesFullDisk() throws {
        try writeModel(direction: 90)
        var generator = SeededGenerator(seed: 1)
        let noise = (0..<(60 * 60)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let png = try ImageEncoder.png(try Image(width: 60, height: 60, format: .gray8, pixels: noise))
        #expect(png.count > 1024)
        try folder.write(png, to: "photos/a.png")
        let limited = "ulimit -f 1; trap '' XFSZ; exec \"$0\" \"$@\""
        let swiftnet = try Command.path("swiftnet")
        let result = try Command.run(
            path: "/bin/bash",
            [
                "-c", limited, swiftnet, "rotate", "--weights", folder.path("models"), "--views", "1", "--in-place",
                folder.path("photos/a.png"),
            ])
        #expect(result.exitCode == 1, "\(result.output)\(result.errors)")
        #expect(result.errors.contains("File too large"), "\(result.errors)")
        #expect(folder.bytes("photos/a.png") == png)
        #expect(try folder.names("photos") == ["a.png"])
    }

    @Test("infer tells the angles of a rotation model's answer, EXIF's part among them")
    func infersAngles() throws {
        try writeModel(direction: 90)
        var jpeg = try ImageEncoder.jpeg(try picture(), quality: 90)
        let exif: [UInt8] =
            Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
        jpeg.insert(contentsOf: [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif, at: 2)
        try folder.write(jpeg, to: "a.jpg")
        let models = folder.path("models")
        let result = try Command.run(
            "swiftnet", ["infer", "--json", "--weights", models, "--model", "rotation", folder.path("a.jpg")])
        #expect(result.exitCode == 0, "\(result.errors)")
        for field in [#""label":"90""#, #""now_direction":90"#, #""model_degree":270"#, #""exif_degree":270"#] {
            #expect(result.output.contains(field), "\(field) in \(result.output)")
        }
    }

    @Test("wrong usage is explained and ends with 64")
    func explainsUsage() throws {
        try writeModel(direction: 90)
        #expect(try rotate(folder.path("photos")).exitCode == 64)
        #expect(try rotate("--out", "x", "--in-place", "y").errors.contains("Choose one of --out and --in-place."))
        #expect(try rotate("--in-place", "--min-confidence", "1.5", "y").exitCode == 64)
        #expect(try rotate("--in-place", "-").exitCode == 64)
    }

    @Test("what is missing or cannot be made ends with 66")
    func reportsMissing() throws {
        try writeModel(direction: 90)
        try folder.write(try ImageEncoder.png(try picture()), to: "a.png")
        #expect(try rotate("--in-place", folder.path("nothing.jpg")).exitCode == 66)
        #expect(try rotate("--out", folder.path("no/such/folder"), folder.path("a.png")).exitCode == 66)
    }

    // MARK: What is kept

    @Test("the folder is made and told, gets the unsure photos unless told not to, and keeps permissions and times")
    func takesAlong() throws {
        try writeModel(direction: 90, bias: 1)
        let png = try ImageEncoder.png(try picture())
        try folder.write(png, to: "photos/a.png")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600, .modificationDate: Date(timeIntervalSince1970: 1e9)],
            ofItemAtPath: folder.path("photos/a.png"))
        let result = try rotate("--out", folder.path("out"), folder.path("photos"))
        #expect(result.errors == "swiftnet: made the folder \(folder.path("out"))\n")
        #expect(folder.bytes("out/a.png") == png)
        let now = try FileManager.default.attributesOfItem(atPath: folder.path("out/a.png"))
        #expect((now[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect((now[.modificationDate] as? Date)?.timeIntervalSince1970 == 1e9)
        #expect(try rotate("--skip-unsure", "--out", folder.path("sure"), folder.path("photos")).exitCode == 0)
        #expect(try folder.names("sure").isEmpty)
        #expect(try rotate("--skip-unsure", "--in-place", folder.path("photos")).exitCode == 64)
        let turned = try rotate("--min-confidence", "0", "--in-place", folder.path("photos"))
        #expect(turned.output.contains("1 turned"))
        let inPlace = try FileManager.default.attributesOfItem(atPath: folder.path("photos/a.png"))
        #expect((inPlace[.modificationDate] as? Date)?.timeIntervalSince1970 == 1e9)
        #expect((inPlace[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }

    @Test("folders within folders keep their places in the folder of results, which is not searched itself")
    func keepsPlaces() throws {
        try writeModel(direction: 180)
        let png = try ImageEncoder.png(try picture())
        for name in ["a.png", "one/a.png", "one/two/a.png"] { try folder.write(png, to: "photos/\(name)") }
        for _ in 0..<2 {
            let result = try rotate("-r", "--force", "--out", folder.path("photos/out"), folder.path("photos"))
            #expect(result.output.hasSuffix("3 turned, 0 upright, 0 unsure, 0 failed\n"), "\(result.errors)")
        }
        for name in ["a.png", "one/a.png", "one/two/a.png"] { #expect(folder.bytes("photos/out/\(name)") != nil) }
    }

    @Test("a file that is there stays unless its bytes are the same, or --force replaces it")
    func forces() throws {
        try writeModel(direction: 0)
        let png = try ImageEncoder.png(try picture())
        try folder.write(png, to: "a.png")
        for _ in 0..<2 { #expect(try rotate("--out", folder.path("out"), folder.path("a.png")).exitCode == 0) }
        try folder.write([1], to: "out/a.png")
        #expect(try rotate("--out", folder.path("out"), folder.path("a.png")).exitCode == 1)
        #expect(folder.bytes("out/a.png") == [1])
        #expect(try rotate("--force", "--out", folder.path("out"), folder.path("a.png")).exitCode == 0)
        #expect(folder.bytes("out/a.png") == png)
    }

    @Test("with --exif-only no pixel changes; the photo is seen upright")
    func statesOrientation() throws {
        try writeModel(direction: 90)
        let jpeg = try ImageEncoder.jpeg(try picture(width: 37, height: 50), quality: 90)
        try folder.write(jpeg, to: "a.jpg")
        let result = try rotate("--exif-only", "--in-place", folder.path("a.jpg"))
        #expect(result.output.contains("by its EXIF orientation"), "\(result.errors)")
        let new = try ImageDecoder.decode(try #require(folder.bytes("a.jpg")))
        let old = try ImageDecoder.decode(jpeg).image
        #expect(new.image == old)
        #expect(new.upright == old.turned(3))
    }

    @Test("a film behind the photo stays; one that can't is refused with both ways out")
    func keepsFilm() throws {
        try writeModel(direction: 90)
        let film = Array("film".utf8)
        let jpeg = try ImageEncoder.jpeg(try picture(), quality: 90)
        try folder.write(jpeg + film, to: "a.jpg")
        try folder.write(jpeg.dropLast(2) + film, to: "b.jpg")
        #expect(try rotate("--in-place", folder.path("a.jpg")).exitCode == 0)
        #expect(folder.bytes("a.jpg")?.suffix(4) == film[...])
        let refused = try rotate("--in-place", folder.path("b.jpg"))
        #expect(refused.exitCode == 1)
        #expect(refused.errors.contains("--exif-only") && refused.errors.contains("--drop-extras"), "\(refused.errors)")
        #expect(folder.bytes("b.jpg") == jpeg.dropLast(2) + film)
        let dropped = try rotate("--drop-extras", "--in-place", folder.path("a.jpg"))
        #expect(dropped.output.contains("without the 4 bytes that followed it"), "\(dropped.output)")
    }

    @Test("four views need the four directions, each once")
    func checksViews() throws {
        try writeModel(direction: 90)
        let result = try Command.run(
            "swiftnet", ["rotate", "--weights", folder.path("models"), "--dry-run", folder.path("a.jpg")])
        #expect(result.exitCode == 65)
        #expect(result.errors.contains("four views"), "\(result.errors)")
        #expect(try rotate("--views", "2", "--dry-run", "x").exitCode == 64)
    }
}
