// SPDX-License-Identifier: MIT

import Foundation
import Inference
import Testing

@Suite struct PreparedModelsTests {
    private let loaded: [LoadedModel]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let repository = try ModelRepository(path: root.appending(path: "Weights").path)
        loaded = try ["mnist", "mnist-mlp"].map { try LoadedModel($0, in: repository) }
    }

    /// Keeps a block of memory.
    private final class Block: @unchecked Sendable {
        // Sendable because a test uses it from one thread.
        let bytes: UnsafeMutableRawBufferPointer

        init(byteCount: Int) {
            bytes = .allocate(byteCount: byteCount, alignment: 64)
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
        }

        deinit { bytes.deallocate() }
    }

    private func block() throws -> Block {
        let layout = try PreparedModels.layout(of: loaded)
        let block = Block(byteCount: layout.byteCount)
        layout.write(to: block.bytes)
        return block
    }

    @Test func modelsOfABlockAnswerAsTheLoadedOnesDo() throws {
        let block = try block()
        let models = try PreparedModels(mapping: UnsafeRawBufferPointer(block.bytes), owner: block).models
        #expect(models.map(\.description) == loaded.map(\.description))
        #expect(models.map(\.version) == loaded.map(\.version))
        let pixels = (0..<784).map { UInt8(truncatingIfNeeded: $0 * 7) }
        for (model, original) in zip(models, loaded) {
            #expect(try Predictor(model).predict(pixels: pixels) == Predictor(original).predict(pixels: pixels))
        }
    }

    @Test func damagedBlocksAreRefused() throws {
        let block = try block()
        func isRefused(_ bytes: UnsafeRawBufferPointer) -> Bool {
            do {
                _ = try PreparedModels(mapping: bytes, owner: block)
                return false
            } catch {
                if case .invalidPreparedModels? = error as? InferenceError { return true }
                return false
            }
        }
        let whole = UnsafeRawBufferPointer(block.bytes)
        #expect(!isRefused(whole))
        for count in [0, 7, 8, 100, 5000, whole.count / 2] {
            #expect(isRefused(UnsafeRawBufferPointer(rebasing: whole[..<count])))
        }
        block.bytes[20] = 0xFF
        #expect(isRefused(whole))
        block.bytes.storeBytes(of: UInt64.max, as: UInt64.self)
        #expect(isRefused(whole))
    }
}
