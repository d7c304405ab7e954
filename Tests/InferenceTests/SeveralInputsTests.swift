// SPDX-License-Identifier: MIT

import Images
import Inference
import Layers
import Tensors
import TestSupport
import Testing

@Suite("networks with several inputs")
struct SeveralInputsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// means(conv 3x3 of an image in 3 channels into 4), 4 more numbers behind them, a linear layer into 5; and the image's map.
    private func file(_ change: (inout ModelBuilder) -> Void = { _ in }, size: [Any] = [6, 5]) -> [UInt8] {
        var file = ModelBuilder()
        file.input("left", ["n", 3] + size)
        file.input("right", ["n", 4])
        file.node("Conv", ["left", "w"], ["map"], ("pads", .ints([1, 1, 1, 1])))
        file.node("GlobalAveragePool", ["map"], ["pooled"])
        file.node("Flatten", ["pooled"], ["means"])
        file.node("Concat", ["means", "right"], ["both"], ("axis", .int(1)))
        file.node("Gemm", ["both", "v"], ["scores"])
        file.floats("w", [4, 3, 3, 3], randomFloats(108, seed: 1))
        file.floats("v", [8, 5], randomFloats(40, seed: 2))
        file.output("scores")
        file.output("map")
        change(&file)
        return file.bytes
    }

    private func load(_ bytes: [UInt8], options: GraphModelOptions = GraphModelOptions()) throws -> LoadedModel {
        try LoadedModel(weights: folder.write(bytes, to: "m.onnx"), name: "m", options: options)
    }

    private func rows(_ count: Int, seed: UInt64) -> [String: Tensor] {
        [
            "left": Tensor(randomFloats(count * 90, seed: seed), shape: [count, 3, 6, 5]),
            "right": Tensor(randomFloats(count * 4, seed: seed + 1), shape: [count, 4]),
        ]
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("a file loads and answers by names and in order, rows together as each alone")
    func answers() throws {
        let model = try load(file())
        #expect(!model.takesPictures && !model.isClassifier && model.inputCount == 94)
        #expect(model.description.input.tensors.map(\.name) == ["left", "right"])
        #expect(model.description.input.tensors.map(\.shape) == [[3, 6, 5], [4]])
        let predictor = try Predictor(model)
        let inputs = rows(35, seed: 7)
        let (left, right) = (try #require(inputs["left"]), try #require(inputs["right"]))
        let together = try predictor.outputs(of: inputs)
        #expect(together.map(\.name) == ["scores", "map"])
        #expect(together.map(\.tensor.shape) == [[35, 5], [35, 4, 6, 5]])
        #expect(
            try predictor.outputs(of: [left, right]).map { $0.tensor.floats() } == together.map { $0.tensor.floats() })
        for row in [0, 1, 31, 32, 34] {
            let alone = try predictor.outputs(of: [
                Tensor(Array(left.floats()[(row * 90)..<((row + 1) * 90)]), shape: [1, 3, 6, 5]),
                Tensor(Array(right.floats()[(row * 4)..<((row + 1) * 4)]), shape: [1, 4]),
            ])
            for (alone, together) in zip(alone, together) {
                let count = alone.tensor.elementCount
                #expect(alone.tensor.floats() == Array(together.tensor.floats()[(row * count)..<((row + 1) * count)]))
            }
        }
        // By hand: what is behind the means goes through the last rows of the matrix.
        let (map, matrix) = (together[1].tensor.floats(), randomFloats(40, seed: 2))
        for row in [0, 34] {
            let means = (0..<4).map { channel in
                map[((row * 4 + channel) * 30)..<((row * 4 + channel + 1) * 30)].reduce(0, +) / 30
            }
            let both = means + right.floats()[(row * 4)..<(row * 4 + 4)]
            let expected = (0..<5).map { column in (0..<8).reduce(0) { $0 + both[$1] * matrix[$1 * 5 + column] } }
            let scores = Array(together[0].tensor.floats()[(row * 5)..<(row * 5 + 5)])
            expectClose(scores, expected, .accumulated)
        }
    }

    @Test("tensors that the network does not take are refused by their names")
    func wrongTensors() throws {
        let predictor = try Predictor(load(file()))
        let good = rows(2, seed: 3)
        let takes = "the network takes 'left' f32 [3, 6, 5], 'right' f32 [4]"
        func message(_ name: String, _ tensor: Tensor?) -> String? {
            var inputs = good
            inputs[name] = tensor
            return refusal { _ = try predictor.outputs(of: inputs) }
        }
        #expect(message("right", nil) == "the input 'right' is missing; \(takes)")
        #expect(message("other", good["left"]) == "there is no input 'other'; \(takes)")
        let three = Tensor(shape: [3, 4]) { _ in }
        #expect(
            message("right", three)
                == "the input 'right' is f32 [3, 4]; expected f32 [2, 4], as many rows for each input")
        #expect(message("right", Tensor(shape: [2, 2, 2]) { _ in })?.contains("expected f32 [2, 4]") == true)
        #expect(message("left", Tensor(shape: []) { _ in })?.contains("expected f32 [1, 3, 6, 5]") == true)
        #expect(message("left", Tensor(shape: [0, 3, 6, 5]) { _ in })?.contains("'left' is f32 [0, 3, 6, 5]") == true)
        #expect(refusal { _ = try predictor.outputs(of: [three]) } == "there are 1 tensors; \(takes)")
        #expect(refusal { _ = try predictor.outputs(of: [Tensor]()) } == "there are 0 tensors; \(takes)")
    }

    @Test("pictures are refused with what to do instead")
    func pictures() throws {
        let model = try load(file())
        let predictor = try Predictor(model)
        let picture = try ImageEncoder.png(
            Image(width: 5, height: 6, format: .rgb8, pixels: Array(repeating: 9, count: 90)))
        let expected = InferenceError.takesTensors(inputs: "'left' f32 [3, 6, 5], 'right' f32 [4]")
        #expect(throws: expected) { try predictor.predict(picture) }
        #expect(throws: expected) { try predictor.predict(pixels: Array(repeating: 0, count: 90)) }
        #expect(throws: expected) { try predictor.tensors(of: picture) }
        #expect(throws: expected) { try predictor.prepared(picture) }
        #expect(throws: expected) { try model.preprocessor.tensor(of: picture) }
        #expect(throws: expected) { try model.checkTakesPictures() }
        #expect("\(expected)" == "the model takes no pictures but the tensors 'left' f32 [3, 6, 5], 'right' f32 [4]")
    }

    @Test("a model that is added is loaded by its name, and a version must take the same")
    func adding() throws {
        let repository = try ModelRepository(path: folder.url.path)
        let path = try folder.write(file(), to: "pair.onnx")
        #expect(try repository.add("pair", file: path, options: GraphModelOptions()).entry.version == 1)
        let known = try repository.description(of: "pair")
        #expect(
            known.input
                == ModelDescription.Input(tensors: [
                    .init(name: "left", shape: [3, 6, 5]), .init(name: "right", shape: [4]),
                ]))
        let loaded = try LoadedModel("pair", in: repository)
        let answers = try [loaded, load(file())].map {
            try Predictor($0).outputs(of: rows(3, seed: 5)).map { $0.tensor.floats() }
        }
        #expect(answers[0] == answers[1])
        #expect(
            try repository.add("pair", file: path, options: GraphModelOptions(), isNewVersion: true).entry.version == 2)
        let renamed = try folder.write(
            file({ $0.input("third", ["n", 2]) }), to: "other.onnx")
        #expect(
            refusal { _ = try repository.add("pair", file: renamed, options: GraphModelOptions(), isNewVersion: true) }?
                .contains("'third' f32 [2]") == true)
        var mean = GraphModelOptions()
        mean.mean = [0.5]
        #expect(
            throws: InferenceError.otherDescription(model: "pair", what: "--mean")
        ) { _ = try repository.add("pair", file: path, options: mean, isNewVersion: true) }
        // Another process maps what was prepared.
        let layout = try PreparedModels.layout(of: [loaded])
        let block = TensorStorage(byteCount: layout.byteCount) { layout.write(to: $0) }
        let mapped = try PreparedModels(mapping: block.bytes, owner: block).models[0]
        #expect(mapped.description == loaded.description)
        let inputs = rows(2, seed: 6)
        let both = try [loaded, mapped].map { try Predictor($0).outputs(of: inputs).map { $0.tensor.floats() } }
        #expect(both[0] == both[1])
    }

    @Test("sizes that the file leaves open are those of --size, then and later")
    func openSizes() throws {
        let open = file(size: ["h", "w"])
        #expect(throws: (any Error).self) { try load(open) }
        var options = GraphModelOptions()
        options.size = (6, 5)
        let repository = try ModelRepository(path: folder.url.path)
        _ = try repository.add("pair", file: folder.write(open, to: "open.onnx"), options: options)
        let loaded = try LoadedModel("pair", in: repository)
        #expect(loaded.plan.inputs.map(\.shape) == [[3, 6, 5], [4]])
        #expect(try loaded.readGraph().inputs.count == 2)
        var other = GraphModelOptions()
        other.size = (8, 8)
        #expect(try LoadedModel("pair", in: repository, options: other).plan.inputs.map(\.shape) == [[3, 8, 8], [4]])
    }

    @Test("what can't be taken is refused by the input's name")
    func unfitFiles() throws {
        let integers = refusal { _ = try load(file({ $0.input("mask", ["n", 2], type: 7) })) }
        #expect(
            integers?.hasSuffix(
                "its input 'mask' is i64 [1, 2]; of 3 inputs each must be f32 [1, ...], the batch first") == true)
        let fixed = refusal { _ = try load(file({ $0.input("table", [5, 2]) })) }
        #expect(fixed?.contains("its input 'table' is f32 [5, 2]; of 3 inputs") == true)
        let flags: [(WritableKeyPath<GraphModelOptions, [Float]?>, String)] = [(\.mean, "--mean"), (\.std, "--std")]
        for (key, flag) in flags {
            var options = GraphModelOptions()
            options[keyPath: key] = [0.5]
            let message = refusal { _ = try load(file(), options: options) }
            #expect(message?.hasSuffix("there is nothing for \(flag)") == true)
        }
        var labels = GraphModelOptions()
        labels.labels = ["a", "b", "c", "d", "e"]
        #expect(refusal { _ = try load(file(), options: labels) }?.hasSuffix("there is nothing for --labels") == true)
    }

    @Test(
        "model.json is held to what it says",
        arguments: [
            (#""tensors":[]"#, "input.tensors names no tensor"),
            (#""tensors":[{"name":"","shape":[1]}]"#, "input.tensors has one without a name"),
            (#""tensors":[{"name":"a","shape":[1]},{"name":"a","shape":[2]}]"#, "input.tensors has 'a' twice"),
            (
                #""tensors":[{"name":"a","shape":[0]}]"#,
                "the shape of 'a' in input.tensors must have sizes of 1 or more, not [0]"
            ),
            (#""tensors":[{"name":"a","shape":[-1]}]"#, "sizes of 1 or more"),
            (#""tensors":[{"name":"a","shape":[4294967296,4294967296]}]"#, "sizes of 1 or more"),
            (
                #""tensors":[{"name":"a","shape":[9223372036854775807]},{"name":"b","shape":[2]}]"#,
                "the shapes in input.tensors are too large together"
            ),
            (#""tensors":[{"name":"a","shape":["x"]}]"#, "expected a list of whole numbers at 'input.tensors.0.shape'"),
            (#""tensors":[{"name":"a","sizes":[1]}]"#, "'input.tensors.0.sizes' is no key"),
            (#""tensors":[{"name":"a","shape":[1]}],"width":5"#, "input.width and input.height must be 1 to 8192"),
            (#""tensors":[{"name":"a","shape":[1]}],"mean":[0]"#, "prepares nothing"),
        ])
    func descriptions(input: String, reason: String) {
        let json = #"""
            {"name":"m","architecture":"onnx","input":{"preprocessing":"tensors",\#(input)},"labels":[],"versions":{}}
            """#
        let message = refusal { _ = try ModelDescription.decode(Array(json.utf8), path: "p") }
        #expect(message?.contains(reason) == true, "\(message ?? "taken")")
    }

    @Test("tensors go with no other preparation, no known network and no classes")
    func contradictions() {
        let tensors = #""tensors":[{"name":"a","shape":[1]}]"#
        for (architecture, input, labels) in [
            ("onnx", #"{"preprocessing":"tensors",\#(tensors)}"#, #"["x"]"#),
            ("resnet18", #"{"preprocessing":"tensors",\#(tensors)}"#, "[]"),
            (
                "onnx",
                #"{"width":4,"height":4,"channels":1,"preprocessing":"photo","mean":[0],"std":[1],\#(tensors)}"#, "[]"
            ),
            ("onnx", #"{"preprocessing":"photo"}"#, "[]"),
        ] {
            let json =
                #"{"name":"m","architecture":"\#(architecture)","input":\#(input),"labels":\#(labels),"versions":{}}"#
            #expect(throws: InferenceError.self) { try ModelDescription.decode(Array(json.utf8), path: "p") }
        }
    }
}
