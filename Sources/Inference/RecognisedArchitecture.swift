// SPDX-License-Identifier: MIT

import Checkpoints
import Models
import Tensors

/// The network that a checkpoint's weights belong to, and what is to be said of the choice.
package struct RecognisedArchitecture {
    /// The network.
    package let architecture: Architecture
    /// What the user should know of the choice, in sentences.
    package let notes: [String]

    /// Finds the network by the names and shapes of the weights; where they fit several, by the name that the checkpoint notes, or
    /// the file's.
    ///
    /// - Throws: `ModelError.unrecognised`, `.lookalike`.
    package init(in weights: StateDict, _ summary: CheckpointSummary, path: String) throws {
        let fitting = Architecture.fitting(weights)
        let file = path.split(separator: "/").last.map(String.init) ?? path
        guard let chosen = try fitting.chosen(by: "\(summary.architectureName ?? "") \(file)") else {
            // Throws, with what is missing.
            self.init(try Architecture.recognised(in: weights), notes: [])
            return
        }
        self.init(chosen, notes: Self.notes(on: chosen, of: fitting, weights))
    }

    /// Takes the network that a model's description names; nothing is said of it.
    ///
    /// - Throws: `ModelError.unknownArchitecture`.
    init(described name: String, in weights: StateDict) throws {
        self.init(try Architecture.named(name, for: weights), notes: [])
    }

    /// Takes the network that the user names; what the weights leave over is said all the same.
    ///
    /// - Throws: `ModelError.unknownArchitecture`.
    package init(named name: String, in weights: StateDict) throws {
        let architecture = try Architecture.named(name, for: weights)
        self.init(architecture, notes: Self.notes(on: architecture, of: [architecture], weights))
    }

    private init(_ architecture: Architecture, notes: [String]) {
        self.architecture = architecture
        self.notes = notes
    }

    private static func notes(
        on chosen: Architecture, of fitting: [Architecture], _ weights: StateDict
    ) -> [String] {
        var notes: [String] = []
        let others = fitting.filter { $0.name != chosen.name }.map(\.name)
        if !others.isEmpty {
            notes.append(
                "the weights fit \(chosen.name) and \(others.joined(separator: ", ")), which have the same names: taken as "
                    + "\(chosen.name); --architecture NAME chooses another")
        }
        let strays = chosen.audit(weights).unexpected
        if !strays.isEmpty {
            let shown = strays.prefix(3).joined(separator: ", ") + (strays.count > 3 ? ", ..." : "")
            notes.append(
                "\(strays.count) of \(weights.names.count) tensors belong to no part of \(chosen.name) and are left out: "
                    + shown)
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
