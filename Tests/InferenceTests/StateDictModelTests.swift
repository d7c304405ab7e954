// SPDX-License-Identifier: MIT

import Inference
import JSON
import Models
import Tensors
import TestSupport
import Testing

/// Weights alone, whose network is recognised: which one, what is said of it, and how photos become its input.
@Suite("weights without a network")
struct StateDictModelTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// A file of zeros in the names and shapes of a network of timm, and further tensors.
    private func file(
        _ name: String, of architecture: Architecture? = nil, strays: [(name: String, count: Int)] = []
    ) throws -> String {
        let network = try #require(
            architecture ?? Architecture.named("mobilenetv3_small_050", family: "timm", classes: 3))
        let weights = network.expectedWeights() + strays.map { ($0.name, Shape([$0.count])) }
        var (members, offset): ([(String, JSONValue)], Int) = ([], 0)
        for (name, shape) in weights {
            let end = offset + 4 * shape.elementCount
            members.append(
                (
                    name,
                    .object([
                        ("dtype", .string("F32")), ("shape", .array(shape.dimensions.map { .integer($0) })),
                        ("data_offsets", .array([.integer(offset), .integer(end)])),
                    ])
                ))
            offset = end
        }
        var header = Array(JSONValue.object(members).text.utf8)
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return try folder.write(length + header + [UInt8](repeating: 0, count: offset), to: name)
    }

    @Test("photos are prepared as the library does it, unless the user says otherwise")
    func preparation() throws {
        let path = try file("net.safetensors")
        let model = try LoadedModel(weights: path, name: "net")
        #expect(model.description.architecture == "mobilenetv3_small_050" && model.notes.isEmpty)
        #expect(model.description.inputShape == [3, 224, 224] && model.description.labels == ["0", "1", "2"])
        #expect(
            model.description.input.resize == .init(mode: .shortSide, size: 256, interpolation: .bicubic))
        var options = GraphModelOptions()
        options.size = (64, 64)
        options.labels = ["a", "b", "c"]
        options.std = [1, 1, 1]
        let other = try LoadedModel(weights: path, name: "net", options: options)
        #expect(other.plan.inputShape == [3, 64, 64] && other.description.labels == ["a", "b", "c"])
        #expect(other.description.input.resize == .init(mode: .shortSide, size: 73, interpolation: .bicubic))
        #expect(other.description.input.std == [1, 1, 1] && other.description.input.mean == [0.485, 0.456, 0.406])
        options.labels = ["a", "b"]
        #expect(throws: InferenceError.wrongClassCount(path: path, labels: 2, classes: 3)) {
            try LoadedModel(weights: path, name: "net", options: options)
        }
    }

    @Test("one number holds for each channel")
    func oneNumberForAllChannels() throws {
        var options = GraphModelOptions()
        (options.mean, options.std) = ([0.5], [0.25])
        let input = try LoadedModel(weights: file("net.safetensors"), name: "net", options: options).description.input
        #expect(input.mean == [0.5, 0.5, 0.5] && input.std == [0.25, 0.25, 0.25])
    }

    @Test("names that the file keeps are taken where there are as many classes, and those of the user before them")
    func statedLabels() throws {
        let path = try file("net.safetensors")
        var options = GraphModelOptions()
        options.statedLabels = ["cat", "dog", "owl"]
        #expect(
            try LoadedModel(weights: path, name: "net", options: options).description.labels == ["cat", "dog", "owl"])
        options.labels = ["a", "b", "c"]
        #expect(try LoadedModel(weights: path, name: "net", options: options).description.labels == ["a", "b", "c"])
        options.labels = nil
        options.statedLabels = ["cat", "dog"]
        #expect(try LoadedModel(weights: path, name: "net", options: options).description.labels == ["0", "1", "2"])
    }

    @Test("names that do not fit are told")
    func unfitNames() throws {
        var options = GraphModelOptions()
        options.statedLabels = ["cat", "dog"]
        let path = try file("net.safetensors")
        #expect(try LoadedModel(weights: path, name: "net", options: options).notes.contains { $0.contains("2 names") })
        options.labels = ["a", "b", "c"]
        #expect(try LoadedModel(weights: path, name: "net", options: options).notes.isEmpty)
    }

    @Test("a version that is to be prepared or labelled in another way than its model is refused")
    func versionsAreAsTheModel() throws {
        let path = try file("net.safetensors")
        let repository = try ModelRepository(path: folder.path("."))
        var options = GraphModelOptions()
        options.mean = [0.5]
        options.labels = ["a", "b", "c"]
        _ = try repository.add("net", file: path, options: options)
        let same = try repository.add("net", file: path, options: options, isNewVersion: true)
        #expect(same.entry.version == 2)
        let changes: [(String, (inout GraphModelOptions) -> Void)] = [
            ("--labels", { $0.labels = ["a", "b", "d"] }), ("--size", { $0.size = (64, 64) }),
            ("--mean", { $0.mean = [0.4] }),
            ("--std", { $0.std = [1, 2, 3] }), ("--scale", { $0.scale = 1 }), ("--bgr", { $0.color = .bgr }),
            ("--resize", { $0.resize = .init(mode: .stretch) }), ("--interpolation", { $0.interpolation = .nearest }),
        ]
        for (flag, change) in changes {
            var other = GraphModelOptions()
            change(&other)
            #expect(throws: InferenceError.otherDescription(model: "net", what: flag)) {
                try repository.add("net", file: path, options: other, isNewVersion: true)
            }
        }
        let onnx = packageFolder + "/Examples/onnx-classifier/digits.onnx"
        _ = try repository.add("digits", file: onnx, options: GraphModelOptions())
        #expect(throws: InferenceError.self) {
            try repository.add("digits", file: path, options: GraphModelOptions(), isNewVersion: true)
        }
        #expect(try repository.description(of: "digits").versionNumbers == [1])
    }

    @Test("what could not be read again is not written")
    func unreadableDescription() throws {
        let path = try file("net.safetensors")
        let repository = try ModelRepository(path: folder.path("."))
        var options = GraphModelOptions()
        options.mean = [.nan]
        #expect(throws: (any Error).self) { try repository.add("net", file: path, options: options) }
        #expect(try repository.modelNames() == [] && !folder.names(".").contains("net"))
    }

    @Test("a model of a repository runs in another size, with other names")
    func otherSizeThanTheRepositorys() throws {
        let path = try file("net.safetensors")
        let repository = try ModelRepository(path: folder.path("."))
        _ = try repository.add("net", file: path, options: GraphModelOptions())
        var options = GraphModelOptions()
        options.size = (64, 96)
        options.labels = ["a", "b", "c"]
        let model = try LoadedModel("net", in: repository, options: options)
        #expect(model.plan.inputShape == [3, 64, 96] && model.description.labels == ["a", "b", "c"])
        #expect(model.description.input.resize == .init(mode: .stretch, interpolation: .bicubic))
        options.size = (112, 112)
        let square = try LoadedModel("net", in: repository, options: options).description.input
        #expect(square.resize == .init(mode: .shortSide, size: 128, interpolation: .bicubic))
        #expect(try LoadedModel("net", in: repository).plan.inputShape == [3, 224, 224])
    }

    @Test("tensors that belong to no part of the network are told, and refused where they are many")
    func strays() throws {
        let few = try LoadedModel(weights: file("few.safetensors", strays: [("criterion.weight", 100)]), name: "few")
        #expect(few.notes.count == 1 && few.notes[0].contains("criterion.weight"), "\(few.notes)")
        let path = try file("many.safetensors", strays: [("projector.weight", 200_000)])
        #expect(throws: ModelError.self) { try LoadedModel(weights: path, name: "many") }
    }

    @Test("of networks with the same names the file's name chooses, or the user, and a note says which others fit")
    func choices() throws {
        let weights = try StateDict(
            #require(Architecture.named("mobilenetv3_small_075", family: "timm", classes: 2)).expectedWeights().map {
                ($0.name, Tensor(placeholderOf: $0.shape))
            })
        #expect(Architecture.fitting(weights).map(\.name) == ["mobilenetv3_small_075", "tf_mobilenetv3_small_075"])
        #expect(try Architecture.recognised(in: weights).name == "mobilenetv3_small_075")
        let hint = "/x/tf_mobilenetv3_small_075-da427f52.pth"
        #expect(try Architecture.recognised(in: weights, hint: hint).name == "tf_mobilenetv3_small_075")
        #expect(try Architecture.named("tf_mobilenetv3_small_075", for: weights).photo?.mean == [0.5, 0.5, 0.5])
    }

    @Test(
        "a name that belongs to another network than the weights' names show is refused, unless the user says which",
        arguments: ["resnetaa50.safetensors", "my-resnetblur50-best.safetensors", "seresnetaa50d.safetensors"])
    func lookalikes(name: String) throws {
        let network = try #require(Architecture.named("resnet18", family: "", classes: 2))
        let path = try file(name, of: network)
        let error = #expect(throws: ModelError.self) { try LoadedModel(weights: path, name: "net") }
        #expect(error?.description.contains("torch.export") == true && error?.description.contains("resnet18") == true)
        var options = GraphModelOptions()
        options.architecture = "resnet18"
        #expect(try LoadedModel(weights: path, name: "net", options: options).description.architecture == "resnet18")
        let other = try file("resnet18-of-aa.safetensors", of: network)
        #expect(try LoadedModel(weights: other, name: "net").description.architecture == "resnet18")
    }

    @Test("a model that is added tells how its weights were understood, and its next version must be of its network")
    func adding() throws {
        let repository = try ModelRepository(path: folder.url.path)
        let path = try file("net.safetensors", strays: [("criterion.weight", 100)])
        let (entry, notes) = try repository.add("net", file: path, options: GraphModelOptions())
        #expect(entry.version == 1 && entry.description.architecture == "mobilenetv3_small_050")
        #expect(notes.count == 1 && notes[0].contains("criterion.weight"))
        #expect(
            try repository.add("net", file: path, options: GraphModelOptions(), isNewVersion: true).entry.version == 2)
        // Another network of as many classes would be loaded as this one, and fail.
        let other = try #require(Architecture.named("mobilenetv3_small_075", family: "timm", classes: 3))
        let misfit = try file("other.safetensors", of: other)
        #expect(throws: ModelError.self) {
            _ = try repository.add("net", file: misfit, options: GraphModelOptions(), isNewVersion: true)
        }
        #expect(try repository.description(of: "net").versionNumbers == [1, 2])
        #expect(try folder.names("net") == ["1", "2", "model.json"])
    }
}
