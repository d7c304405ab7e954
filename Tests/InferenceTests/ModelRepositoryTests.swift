// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite("ModelRepository and ModelDescription")
struct ModelRepositoryTests {
    private let good = """
        {"name":"m","architecture":"mnist-mlp","input":{"width":28,"height":28,"channels":1,"preprocessing":"digit",\
        "mean":[0.1],"std":[0.3]},"labels":["0","1"],"versions":{"1":{"file":"a.pth"},"10":{"file":"b.pth"},\
        "2":{"file":"c.pth"}}}
        """

    private func decode(_ text: String) throws -> ModelDescription {
        try ModelDescription.decode(Array(text.utf8), path: "m/model.json")
    }

    /// Expects a description to be refused with a reason.
    private func expectRefusal(
        replacing old: String, by new: String, reason: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let text = good.replacingOccurrences(of: old, with: new)
        #expect(text != good, sourceLocation: sourceLocation)
        #expect(sourceLocation: sourceLocation) {
            _ = try decode(text)
        } throws: { error in
            "\(error)".hasPrefix("m/model.json: ") && "\(error)".contains(reason)
        }
    }

    @Test("versions are numbers, not words: 10 is newer than 2")
    func versionsSort() throws {
        #expect(try decode(good).versionNumbers == [1, 2, 10])
    }

    @Test("a description that contradicts itself is refused with the reason")
    func contradictions() {
        expectRefusal(replacing: "\"width\":28", by: "\"width\":0", reason: "input.width")
        expectRefusal(replacing: "\"width\":28", by: "\"width\":1000000", reason: "input.width")
        expectRefusal(replacing: "\"channels\":1", by: "\"channels\":2", reason: "channels")
        expectRefusal(replacing: "[0.1]", by: "[0.1,0.2]", reason: "input.mean")
        expectRefusal(replacing: "[0.3]", by: "[0]", reason: "input.std")
        expectRefusal(replacing: "\"10\":", by: "\"new\":", reason: "'new'")
        expectRefusal(replacing: "a.pth", by: "../a.pth", reason: "plain file name")
        expectRefusal(replacing: "\"labels\"", by: "\"names\"", reason: "'names' is no key that is known there")
        expectRefusal(replacing: "\"width\":28", by: "\"wide\":28", reason: "'input.wide' is no key")
        expectRefusal(replacing: ",\"labels\":[\"0\",\"1\"]", by: "", reason: "'labels' is missing")
        expectRefusal(replacing: "\"name\":\"m\"", by: "\"schema\":2,\"name\":\"m\"", reason: "schema 2")
        expectRefusal(replacing: "\"digit\"", by: "\"word\"", reason: "preprocessing")
        expectRefusal(replacing: "{\"name\"", by: "{name", reason: "not valid JSON")
    }

    @Test("a user's own models stand beside those that all share, and are added to where those can't be written")
    func ownModels() throws {
        let folder = try TemporaryFolder()
        let text = Array(good.utf8)
        try folder.write(text, to: "shared/m/model.json")
        let alone = ModelRepository(found: folder.path("shared"), ownPath: folder.path("home/swiftnet"))
        #expect(try alone.modelNames() == ["m"])
        try folder.write(text, to: "home/swiftnet/m/model.json")
        let own = Array(good.replacingOccurrences(of: "\"m\"", with: "\"a\"").utf8)
        try folder.write(own, to: "home/swiftnet/a/model.json")
        #expect(try alone.modelNames() == ["a", "m"])
        #expect(try alone.entry("a").path == folder.path("home/swiftnet/a/10/b.pth"))
        // The first that has a name has it.
        #expect(try alone.entry("m").path == folder.path("shared/m/10/b.pth"))
        #expect(alone.newFolder(of: "n") { _ in true } == folder.path("shared/n"))
        #expect(alone.newFolder(of: "n") { _ in false } == folder.path("home/swiftnet/n"))
        let named = try ModelRepository(path: folder.path("shared"))
        #expect(try named.modelNames() == ["m"] && named.newFolder(of: "n") { _ in false } == folder.path("shared/n"))
    }

    @Test("a description that is written and read again is the same")
    func rewritten() throws {
        let input = ModelDescription.Input(
            width: 32, height: 24, channels: 3, preprocessing: .photo, layout: .nhwc, color: .bgr,
            resize: .init(mode: .shortSide, size: 40, interpolation: .bicubic), scale: 0.017, mean: [0.485, 0.1, 7],
            std: [0.229, 1, 58.395])
        var description = try decode(good)
        for changed in [description.input, input] {
            description.input = changed
            description.schema = 1
            description.output = .init(activation: .sigmoid)
            description.versions["2"]?.testAccuracy = 0.9879
            description.versions["2"]?.epoch = 60
            #expect(try decode(description.json.prettyText) == description)
        }
    }

    @Test("what is null counts as missing, and a value of another kind is named")
    func kinds() throws {
        #expect(
            try decode(good.replacingOccurrences(of: "{\"name\"", with: "{\"schema\":null,\"name\"")) == decode(good))
        expectRefusal(
            replacing: "\"width\":28", by: "\"width\":28.5", reason: "expected a whole number at 'input.width'")
        expectRefusal(replacing: "[0.1]", by: "[\"0.1\"]", reason: "expected a list of numbers at 'input.mean'")
        expectRefusal(replacing: "\"file\":\"c.pth\"", by: "\"file\":3", reason: "expected a text at 'versions.2.file'")
        expectRefusal(replacing: "\"file\":\"c.pth\"", by: "\"path\":\"c\"", reason: "'versions.2.path' is no key")
        expectRefusal(
            replacing: "\"digit\"", by: "\"Digit\"", reason: "expected digit, photo, tensors at 'input.preprocessing'")
    }

    @Test("the newest version is used unless one is named, and unknown ones are told")
    func entries() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "swiftnet-\(UUID().uuidString)")
        defer { _ = try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder.appending(path: "m"), withIntermediateDirectories: true)
        try Data(good.utf8).write(to: folder.appending(path: "m/model.json"))
        let repository = try ModelRepository(path: folder.path)
        #expect(try repository.modelNames() == ["m"])
        #expect(try repository.entry("m").path == folder.path + "/m/10/b.pth")
        #expect(try repository.entry("m", version: 2).path == folder.path + "/m/2/c.pth")
        #expect(throws: InferenceError.unknownVersion(model: "m", version: 3, known: [1, 2, 10])) {
            _ = try repository.entry("m", version: 3)
        }
        #expect(throws: InferenceError.unknownModel("../m", known: ["m"], repository: folder.path)) {
            _ = try repository.entry("../m")
        }
    }

    @Test("the committed models load and say what they are")
    func committedModels() throws {
        let repository = try ModelRepository(path: packageFolder + "/Weights")
        for name in try repository.modelNames() {
            let model = try LoadedModel(name, in: repository)
            #expect(model.description.labels.count == model.plan.outputShape.elementCount)
        }
    }
}
