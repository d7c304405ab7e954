// SPDX-License-Identifier: MIT

import Text

extension CheckpointSummary {
    /// An accuracy that a checkpoint states.
    public struct Accuracy: Sendable, Equatable {
        /// The place where it stands, keys joined by dots.
        public let name: String
        /// The value as the checkpoint has it.
        public let text: String
        /// Share of right answers, 0 to 1: numbers above 1 are taken for percents.
        public let share: Double

        /// States an accuracy.
        public init(name: String, text: String, share: Double) {
            self.name = name
            self.text = text
            self.share = share
        }
    }

    /// The epoch that the checkpoint states, if it states one.
    public var epoch: Int? {
        facts.first { Self.lastKey($0.name) == "epoch" }.flatMap { Int($0.value) }
    }

    /// The accuracy on data held out that the checkpoint states, if it states one: the best before the last.
    public var accuracy: Accuracy? {
        let stated = facts.compactMap { name, value -> (key: String, accuracy: Accuracy)? in
            guard let number = Double(value), (0...100).contains(number) else { return nil }
            let share = number > 1 ? number / 100 : number
            return (Self.lastKey(name), Accuracy(name: name, text: value, share: share))
        }
        let candidates = stated.filter { Self.isHeldOutAccuracy($0.key) }
        return (candidates.first { $0.key.contains("best") } ?? candidates.first)?.accuracy
    }

    /// `best_acc1`, `val_accuracy`, `top1` and their like; neither that of the training data nor that of five guesses.
    private static func isHeldOutAccuracy(_ key: String) -> Bool {
        let words = key.split { !$0.isLetter && !$0.isNumber }
        let names: Set<Substring> = ["acc", "acc1", "accuracy", "prec1", "top1"]
        return words.contains { names.contains($0) } && !words.contains { $0.hasPrefix("train") || $0.hasSuffix("5") }
    }

    private static func lastKey(_ path: String) -> String {
        (path.split(separator: ".").last.map { String($0) } ?? path).asciiLowercased
    }
}
