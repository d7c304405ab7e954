// SPDX-License-Identifier: MIT

import Images
import Inference
import Layers
import Protobuf
import Tensors
import TestSupport
import Testing

@Suite("networks from files")
struct GraphModelTests {
    /// relu(conv 3x3 of 3 channels into 4), the mean, a linear layer into 2 classes; height and width free.
    private func model(classes: Int = 2, labels: String? = nil, addsSoftmax: Bool = false) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1, int64: 8)
        writer.write(2, string: "test")
        writer.write(7) { graph in
            node(&graph, "Conv", ["x", "w"], "a", pads: [1, 1, 1, 1])
            node(&graph, "Relu", ["a"], "b")
            node(&graph, "GlobalAveragePool", ["b"], "c")
            node(&graph, "Flatten", ["c"], "d")
            node(&graph, "Gemm", ["d", "v"], addsSoftmax ? "e" : "y")
            if addsSoftmax { node(&graph, "Softmax", ["e"], "y") }
            graph.write(2, string: "g")
            tensor(&graph, "w", [4, 3, 3, 3], randomFloats(108, seed: 1))
            tensor(&graph, "v", [4, classes], randomFloats(4 * classes, seed: 2))
            value(&graph, 11, "x", [nil, 3, nil, nil])
            value(&graph, 12, "y", [nil, classes])
        }
        writer.write(8) { $0.write(2, int64: 13) }
        if let labels {
            writer.write(14) {
                $0.write(1, string: "names")
                $0.write(2, string: labels)
            }
        }
        return writer.bytes
    }

    private func node(
        _ graph: inout ProtobufWriter, _ type: String, _ inputs: [String], _ output: String, pads: [Int] = []
    ) {
        graph.write(1) { node in
            for input in inputs { node.write(1, string: input) }
            node.write(2, string: output)
            node.write(3, string: output)
            node.write(4, string: type)
            if !pads.isEmpty {
                node.write(5) {
                    $0.write(1, string: "pads")
                    $0.write(8, packed: pads)
                    $0.write(20, int64: 7)
                }
            }
        }
    }

    private func tensor(_ graph: inout ProtobufWriter, _ name: String, _ shape: [Int], _ values: [Float]) {
        graph.write(5) { tensor in
            tensor.write(1, packed: shape)
            tensor.write(2, int64: 1)
            tensor.write(4, packed: values)
            tensor.write(8, string: name)
        }
    }

    private func value(_ graph: inout ProtobufWriter, _ field: Int, _ name: String, _ shape: [Int?]) {
        graph.write(field) { value in
            value.write(1, string: name)
            value.write(2) {
                $0.write(1) { type in
                    type.write(1, int64: 1)
                    type.write(2) { sizes in
                        for size in shape {
                            sizes.write(1) {
                                if let size { $0.write(1, int64: size) } else { $0.write(2, string: "n") }
                            }
                        }
                    }
                }
            }
        }
    }

    private func options(size: Int = 16) -> GraphModelOptions {
        var options = GraphModelOptions()
        options.size = (size, size)
        return options
    }

    private func picture(_ seed: UInt64) throws -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let pixels = (0..<40 * 30 * 3).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return try ImageEncoder.png(Image(width: 40, height: 30, format: .rgb8, pixels: pixels))
    }

    @Test("a file answers pictures: sizes bound, labels from its metadata, probabilities that add up to 1")
    func answers() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(model(labels: "{0: 'cat', 1: 'dog'}"), to: "m.onnx")
        let loaded = try LoadedModel(weights: path, name: "m", options: options())
        #expect(loaded.plan.inputShape == [3, 16, 16] && loaded.plan.outputShape == [2])
        #expect(loaded.description.labels == ["cat", "dog"])
        #expect(loaded.description.input.resize == .init(mode: .shortSide, size: 18))
        let prediction = try Predictor(loaded).predict(picture(1))
        #expect(abs(prediction.scores.reduce(0, +) - 1) < 1e-5)
        #expect(["cat", "dog"].contains(prediction.label))
    }

    @Test("a network that ends in a softmax is not given another one")
    func endsInSoftmax() throws {
        let folder = try TemporaryFolder()
        let plain = try LoadedModel(weights: folder.write(model(), to: "a.onnx"), name: "a", options: options())
        let soft = try LoadedModel(
            weights: folder.write(model(addsSoftmax: true), to: "b.onnx"), name: "b", options: options())
        #expect(
            plain.description.output?.activation == .softmax
                && soft.description.output?.activation == ModelDescription.Output.Activation.none)
        let answers = try [plain, soft].map { try Predictor($0).predict(picture(2)).scores }
        expectClose(answers[0], answers[1], .elementwise)
    }

    @Test("a network without classes gives its numbers, and no prediction")
    func maps() throws {
        let folder = try TemporaryFolder()
        var writer = ProtobufWriter()
        writer.write(1, int64: 8)
        writer.write(7) { graph in
            node(&graph, "Conv", ["x", "w"], "map", pads: [1, 1, 1, 1])
            node(&graph, "GlobalAveragePool", ["map"], "means")
            graph.write(2, string: "g")
            tensor(&graph, "w", [4, 3, 3, 3], randomFloats(108, seed: 1))
            value(&graph, 11, "x", [nil, 3, nil, nil])
            value(&graph, 12, "map", [nil, 4, nil, nil])
            value(&graph, 12, "means", [nil, 4, 1, 1])
        }
        writer.write(8) { $0.write(2, int64: 13) }
        let loaded = try LoadedModel(
            weights: folder.write(writer.bytes, to: "map.onnx"), name: "map", options: options())
        #expect(!loaded.isClassifier && loaded.description.input.resize == .init(mode: .stretch))
        let predictor = try Predictor(loaded)
        let outputs = try predictor.tensors(of: picture(5))
        #expect(outputs.map(\.name) == ["map", "means"])
        #expect(outputs.map(\.tensor.shape) == [[1, 4, 16, 16], [1, 4, 1, 1]])
        let map = outputs[0].tensor.floats()
        let means = (0..<4).map { channel in map[(channel * 256)..<((channel + 1) * 256)].reduce(0, +) / 256 }
        expectClose(outputs[1].tensor.floats(), means, .accumulated)
        #expect(throws: InferenceError.self) { _ = try predictor.predict(picture(5)) }
        // The first output's numbers, row by row.
        let input = [Float](repeating: 0.5, count: 2 * 3 * 256)
        #expect(predictor.logits(of: input, count: 2).count == 2 * 4 * 256)
    }

    @Test("a model that is added is loaded by its name, and described as its file was")
    func adding() throws {
        let folder = try TemporaryFolder()
        let repository = try ModelRepository(path: folder.url.path)
        let path = try folder.write(model(), to: "some/where.onnx")
        let entry = try repository.add("pets", file: path, options: options(), description: "Pets").entry
        #expect(entry.version == 1 && entry.description.description == "Pets")
        let loaded = try LoadedModel("pets", in: repository)
        let direct = try LoadedModel(weights: path, name: "pets", options: options())
        let answers = try [loaded, direct].map { try Predictor($0).predict(picture(3)).scores }
        #expect(answers[0] == answers[1])

        #expect(throws: InferenceError.modelExists("pets", repository: repository.path)) {
            _ = try repository.add("pets", file: path, options: options())
        }
        #expect(try repository.add("pets", file: path, options: options(), isNewVersion: true).entry.version == 2)
        #expect(throws: InferenceError.badModelName("../pets")) {
            _ = try repository.add("../pets", file: path, options: options())
        }
        // A version must fit its model, and what can't be loaded leaves nothing behind.
        let other = try folder.write(model(classes: 3), to: "other.onnx")
        #expect(throws: InferenceError.self) {
            _ = try repository.add("pets", file: other, options: options(), isNewVersion: true)
        }
        let broken = try folder.write(Array(model().dropLast(40)), to: "broken.onnx")
        #expect(throws: (any Error).self) { _ = try repository.add("broken", file: broken, options: options()) }
        #expect(try repository.modelNames() == ["pets"])
        #expect(try repository.description(of: "pets").versionNumbers == [1, 2])
    }

    @Test("prepared weights answer alike, and are refused if the file has changed meanwhile")
    func prepared() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(model(), to: "m.onnx")
        let loaded = try LoadedModel(weights: path, name: "m", options: options())
        let layout = try PreparedModels.layout(of: [loaded])
        let block = TensorStorage(byteCount: layout.byteCount) { layout.write(to: $0) }
        let mapped = try PreparedModels(mapping: block.bytes, owner: block).models[0]
        let answers = try [loaded, mapped].map { try Predictor($0).predict(picture(4)).scores }
        #expect(answers[0] == answers[1])

        try folder.write(model(addsSoftmax: true), to: "m.onnx")
        #expect(throws: InferenceError.self) { _ = try PreparedModels(mapping: block.bytes, owner: block) }
    }

    @Test("labels that an exporter noted are found in lists and in Python's dictionaries")
    func labels() throws {
        let folder = try TemporaryFolder()
        for text in [#"["cat", "it's"]"#, #"{0: 'cat', 1: "it's"}"#] {
            let path = try folder.write(model(labels: text), to: "m.onnx")
            #expect(
                try LoadedModel(weights: path, name: "m", options: options()).description.labels == ["cat", "it's"])
        }
    }

    @Test("a program of torch.export is a model, with its labels from outside")
    func programsAreModels() throws {
        let programs = goldensFolder() + "/../../TorchExportTests/Goldens"
        var options = GraphModelOptions()
        options.labels = ["a", "b", "c", "d", "e"]
        let model = try LoadedModel(weights: programs + "/plain.pt2", name: "plain", options: options)
        #expect(model.network.name == "torch.export")
        #expect(model.description.architecture == "torch.export")
        #expect(model.description.inputShape == [3, 6, 5])
        #expect(model.description.labels == ["a", "b", "c", "d", "e"])
        #expect(throws: (any Error).self) { try LoadedModel(weights: programs + "/compiled.pt2", name: "compiled") }
    }
}
