// SPDX-License-Identifier: MIT

import Checkpoints
import Models

/// The network that a checkpoint's weights belong to, and what is to be said of the choice.
enum RecognisedArchitecture {
    /// Finds the network by the names of the weights; where they fit several, by the name that the checkpoint notes, or the file's.
    ///
    /// - Throws: `ModelError.unrecognised`.
    static func find(in checkpoint: Checkpoint, path: String) throws -> (architecture: Architecture, notes: [String]) {
        let weights = checkpoint.stateDict
        let fitting = Architecture.fitting(weights)
        let noted = checkpoint.summary.architectureName
        let file = path.split(separator: "/").last.map(String.init) ?? path
        guard let chosen = fitting.chosen(by: "\(noted ?? "") \(file)") else {
            // Throws, with what is missing.
            return (try Architecture.recognised(in: weights), [])
        }
        return (chosen, notes(on: chosen, of: fitting, weights: weights.names.count, in: checkpoint))
    }

    private static func notes(
        on chosen: Architecture, of fitting: [Architecture], weights: Int, in checkpoint: Checkpoint
    ) -> [String] {
        var notes: [String] = []
        let others = fitting.filter { $0.name != chosen.name }.map(\.name)
        if !others.isEmpty {
            notes.append(
                "the weights fit \(chosen.name) and \(others.joined(separator: ", ")), which have the same names: taken as "
                    + "\(chosen.name); --architecture NAME chooses another")
        }
        let strays = chosen.audit(checkpoint.stateDict).unexpected
        if !strays.isEmpty {
            let shown = strays.prefix(3).joined(separator: ", ") + (strays.count > 3 ? ", ..." : "")
            notes.append(
                "\(strays.count) of \(weights) tensors belong to no part of \(chosen.name) and are left out: \(shown)")
        }
        return notes
    }
}

extension CheckpointSummary {
    /// The network's name as training scripts note it beside the weights.
    var architectureName: String? {
        facts.first { ["arch", "architecture", "model_name"].contains($0.name) }?.value
    }
}
