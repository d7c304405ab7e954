// SPDX-License-Identifier: MIT

import Checkpoints
import Models
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
    let architecture: Architecture?
    var outputPath: String?
    var outputFormat: WeightsWriter.Format?
    var floatType: ElementType?
    var written: WeightsWriter.Result?
    var isVerified = false
    var checksums: Checksums

    init(input: String, contents: CheckpointContents, architecture: Architecture?) {
        self.input = input
        self.contents = contents
        self.architecture = architecture
        checksums = Checksums(of: contents)
    }

    var summary: CheckpointSummary { contents.summary }
    var outputBytes: Int { written?.fileBytes ?? 0 }

    /// Where every byte of the input is: the parts add up to the whole.
    var bytesByPart: [(part: String, bytes: Int)] {
        [
            ("weights", summary.weightBytes), ("optimizer", summary.trainingBytes),
            ("other tensors", summary.otherTensorBytes), ("unused storages", summary.unusedBytes),
            ("pickle", summary.pickleBytes), ("other entries", summary.otherEntryBytes),
            ("container", summary.containerBytes),
        ]
    }

    var parameterCount: Int {
        contents.weights.reduce(0) {
            $0 + ($1.tensor.type.elementType?.isFloatingPoint == true ? $1.tensor.elementCount : 0)
        }
    }

    /// Writes the report as JSON.
    func write(to path: String, existing: OutputFile.Existing) throws {
        try OutputFile.write(Array(json.prettyText.utf8), to: path, existing: existing)
    }
}
