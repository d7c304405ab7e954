// SPDX-License-Identifier: MIT

import Graphs
import ONNX
import Operators
import Tensors
import TestSupport
import Testing

@testable import Inference

@Suite("precisions of a version")
struct PrecisionTests {
    private let folder: TemporaryFolder
    private let repository: ModelRepository

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(Self.network(), to: "tiny/1/model.onnx")
        try folder.write(
            Array(
                """
                {"name":"tiny","architecture":"onnx","input":{"width":4,"height":4,"channels":1,"preprocessing":"photo",\
                "mean":[0],"std":[1]},"labels":["a","b"],"versions":{"1":{"file":"model.onnx"}}}
                """.utf8), to: "tiny/model.json")
        repository = try ModelRepository(path: folder.path(""))
    }

    /// Two classes of 4x4 grey pixels.
    private static func network() throws -> [UInt8] {
        var graph = Graph()
        let input = graph.addInput("input", Fact(.float32, [1, 1, 4, 4]))
        let flat = try graph.add(Reshape([1, 16]), [input], name: "flat")
        let weight = graph.addConstant("weight", Tensor(randomFloats(32, seed: 1), shape: [2, 16]))
        graph.outputs = try graph.add(Linear(), flat + [weight], name: "logits")
        return try ONNXWriter.bytes(of: graph, name: "tiny")
    }

    private func add(replaces: Bool = false) throws -> ModelRepository.Entry {
        try repository.add(
            Self.network(), as: .int8, to: "tiny", version: 1,
            details: .init(
                file: "model.int8.onnx", agreement: 0.99, testSet: "40 images", notes: "1 of 2 layers in f32"),
            replaces: replaces)
    }

    @Test("a file is added to a version, described with its sum, and found only by its precision")
    func adds() throws {
        let entry = try add()
        #expect(entry.path.hasSuffix("/tiny/1/model.int8.onnx"))
        let details = try #require(try repository.description(of: "tiny").versions["1"]?.files[.int8])
        let count = try Self.network().count
        #expect(details.agreement == 0.99 && details.bytes == count)
        #expect(details.sha256?.count == 64)
        #expect(try repository.entry("tiny").path.hasSuffix("/tiny/1/model.onnx"))
    }

    @Test("answers of a lowered precision name it, others are as ever")
    func answersNameIt() throws {
        _ = try add()
        let pixels = [UInt8](repeating: 100, count: 16)
        let lowered = try Predictor(LoadedModel("tiny", precision: .int8, in: repository)).predict(pixels: pixels)[0]
        #expect(lowered.precision == .int8)
        #expect(lowered.json(file: "x", milliseconds: 1).contains(#""version":1,"precision":"int8","label""#))
        let plain = try Predictor(LoadedModel("tiny", in: repository)).predict(pixels: pixels)[0]
        #expect(!plain.json(file: "x", milliseconds: 1).contains("precision"))
    }

    @Test("the precision goes with prepared models")
    func isPrepared() throws {
        _ = try add()
        let model = try LoadedModel("tiny", precision: .int8, in: repository)
        let layout = try PreparedModels.layout(of: [model])
        let memory = Block(byteCount: layout.byteCount)
        layout.write(to: memory.bytes)
        let prepared = try PreparedModels(mapping: UnsafeRawBufferPointer(memory.bytes), owner: memory)
        #expect(prepared.models[0].precision == .int8)
    }

    @Test("a precision that is not there, or is there already, is refused in a sentence")
    func refuses() throws {
        #expect {
            _ = try LoadedModel("tiny", precision: .int8, in: repository)
        } throws: { "\($0)".contains("has no file in int8; 'swiftnet quantize --model tiny") }
        _ = try add()
        #expect(throws: InferenceError.precisionExists(.int8, model: "tiny", version: 1)) { try add() }
        _ = try add(replaces: true)
    }

    @Test("a description whose files are wrong is refused")
    func refusesDescriptions() {
        let good = """
            {"name":"m","architecture":"onnx","input":{"width":4,"height":4,"channels":1,"preprocessing":"photo",\
            "mean":[0],"std":[1]},"labels":["a"],"versions":{"1":{"file":"a.onnx","files":FILES}}}
            """
        for (files, reason) in [
            (#"{"int4":{"file":"b"}}"#, "'versions.N.files.int4' is no key"),
            (#"{"int8":{}}"#, "'file' is missing"), (#"{"int8":{"file":"../b"}}"#, "plain file name"),
            (#"{"int8":{"file":"b","agreement":"x"}}"#, "expected a number"),
        ] {
            #expect {
                _ = try ModelDescription.decode(
                    Array(good.split(separator: "FILES").joined(separator: files).utf8), path: "m")
            } throws: { "\($0)".contains(reason) }
        }
    }
}

/// Memory for prepared models.
private final class Block: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }
}
