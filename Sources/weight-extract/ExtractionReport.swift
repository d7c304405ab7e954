// SPDX-License-Identifier: MIT

import Checkpoints
import Models
import SystemCalls
import Tensors

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

    init(input: String, contents: CheckpointContents, architecture: Architecture?) {
        self.input = input
        self.contents = contents
        self.architecture = architecture
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
    func write(to path: String) throws {
        let file = try FileWriter(replacing: path)
        try file.write(Array(json.prettyText.utf8))
        try file.finish()
    }
}
