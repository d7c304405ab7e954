// SPDX-License-Identifier: MIT

import Checkpoints
import CommandSupport
import Inference
import SystemCalls
import Tensors

/// What is known of the checksums that a file states.
struct Checksums {
    enum State: String {
        /// The format has none.
        case none
        /// The bytes were not read.
        case notRead = "not read"
        /// The bytes were read, and have them.
        case right

        mutating func confirm() {
            if self == .notRead { self = .right }
        }
    }

    var weights: State
    var dropped: State
    /// Bytes of what is dropped, as they stand in the archive.
    let droppedBytes: Int

    init(of contents: CheckpointContents) {
        let hasWeights = contents.weights.contains { $0.tensor.storage.checksum != nil }
        weights = hasWeights ? .notRead : .none
        dropped = contents.droppedEntries.isEmpty ? .none : .notRead
        droppedBytes = contents.droppedEntries.reduce(0) { $0 + $1.data.count }
    }

    var text: String {
        if weights == .none && dropped == .none { return "none in this format" }
        let rest = "those of \(droppedBytes) dropped bytes \(dropped.rawValue)"
        let hint = dropped == .notRead ? " (--verify reads them)" : ""
        return "of the weights \(weights.rawValue)" + (dropped == .none ? "" : ", \(rest)\(hint)")
    }
}

/// What a run found, kept, dropped and wrote.
struct ExtractionReport {
    let input: String
    let contents: CheckpointContents
    /// The network that the weights belong to; nil where they belong to none that is known.
    let recognised: RecognisedArchitecture?
    /// The model and the version that they became.
    var installed: (model: String, version: Int)?
    var outputPath: String?
    var outputFormat: WeightsWriter.Format?
    var floatType: ElementType?
    var written: WeightsWriter.Result?
    var isVerified = false
    var checksums: Checksums

    init(input: String, contents: CheckpointContents, recognised: RecognisedArchitecture?) {
        self.input = input
        self.contents = contents
        self.recognised = recognised
        checksums = Checksums(of: contents)
    }

    var summary: CheckpointSummary { contents.summary }

    /// Where every byte of the input is: the parts add up to the whole.
    var bytesByPart: [(part: String, bytes: Int)] {
        [
            ("weights", summary.weightBytes), ("not taken", summary.notTakenBytes),
            ("optimizer", summary.trainingBytes),
            ("other tensors", summary.otherTensorBytes), ("unused storages", summary.unusedBytes),
            ("pickle", summary.pickleBytes), ("other entries", summary.otherEntryBytes),
            ("container", summary.containerBytes),
        ]
    }

    /// Elements of types that are no floating-point numbers of SwiftNet's: whole numbers, 8-bit ones.
    var otherElementCount: Int {
        contents.weights.reduce(0) {
            $0 + ($1.tensor.elementType?.isFloatingPoint == true ? 0 : $1.tensor.elementCount)
        }
    }

    var parameterCount: Int {
        contents.weights.reduce(0) {
            $0 + ($1.tensor.elementType?.isFloatingPoint == true ? $1.tensor.elementCount : 0)
        }
    }

    /// Something that looks like weights was not taken.
    var isPartial: Bool { !summary.unsupported.isEmpty }

    /// What was taken and what not, in one sentence.
    var partialText: String {
        let total = contents.weights.count + summary.unsupported.count
        let first = summary.unsupported.first.map { "; \(Printable.line($0.name)): \($0.reason)" } ?? ""
        return "only \(contents.weights.count) of \(total) tensors were taken\(first)"
    }
}
