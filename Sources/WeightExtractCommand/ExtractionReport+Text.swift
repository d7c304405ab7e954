// SPDX-License-Identifier: MIT

import Checkpoints
import CommandSupport
import Tensors

extension ExtractionReport {
    /// The report for a person.
    var text: String {
        var lines = [headline, "", "  " + row("in", summary.fileBytes) + "  " + formatText]
        for (part, bytes) in bytesByPart where bytes != 0 {
            lines.append("  " + row(part == "weights" ? "= weights" : "+ " + part, bytes) + details(of: part))
        }
        if let written, let outputPath {
            lines.append(
                "  " + row("out", written.fileBytes) + "  " + Printable.line(outputPath)
                    + (written.isUnchanged ? ", unchanged" : "") + (isVerified ? ", verified" : ""))
        }
        lines.append("")
        return (lines + findings).map { $0 + "\n" }.joined()
    }

    /// The tensors, one a line, then the report.
    var listing: String {
        let rows = contents.weights.map { name, tensor in
            "\(Printable.line(name))  \(tensor.typeName)  \(tensor.shownSizes)\n"
        }
        return rows.joined() + (rows.isEmpty ? "" : "\n") + text
    }

    private var headline: String {
        let network = recognised.map { ", \($0.architecture.title)" } ?? ""
        let count = contents.weights.count
        let taken = isPartial ? "\(count) of \(count + summary.unsupported.count)" : "\(count)"
        // Counters of steps are no news: packed weights are.
        let others = otherElementCount > count ? " and \(otherElementCount) elements of other types" : ""
        return "\(taken) \(taken == "1" ? "tensor" : "tensors"), \(parameterCount) parameters\(others)\(network)"
    }

    private var formatText: String {
        ([summary.format.rawValue] + summary.wrappers.map { "in \(Printable.line($0))" }).joined(separator: " ")
    }

    private func row(_ label: String, _ bytes: Int) -> String {
        let number = String(bytes)
        return label + String(repeating: " ", count: max(1, 18 - label.count))
            + String(repeating: " ", count: max(0, 14 - number.count)) + number
    }

    private func details(of part: String) -> String {
        switch part {
        case "weights": summary.weightsPath.isEmpty ? "" : "  at '\(Printable.line(summary.weightsPath))'"
        case "optimizer": "  \(summary.trainingTensors) tensors, dropped"
        case "other tensors": "  \(summary.otherTensors) tensors, dropped"
        case "other entries": "  " + names(summary.otherEntries)
        default: ""
        }
    }

    private func names(_ names: [String], limit: Int = 6) -> String {
        let shown = names.prefix(limit).map { Printable.line($0) }.joined(separator: ", ")
        return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
    }

    /// What is to be said of the weights, and of the network that they were taken for.
    var notes: [String] { summary.notes + (recognised?.notes ?? []) }

    private var findings: [String] {
        var lines: [String] = []
        if let installed { lines.append("installed as \(installed.model) \(installed.version)") }
        func add(_ label: String, _ items: [String], limit: Int = 6) {
            if !items.isEmpty { lines.append("\(label): \(names(items, limit: limit))") }
        }
        lines.append("checksums: \(checksums.text)")
        add("not taken", summary.unsupported.map { "\($0.name): \($0.reason), \($0.bytes) bytes" }, limit: 20)
        add("found beside the weights", summary.facts.map { "\($0.name) = \($0.value)" }, limit: 20)
        add(
            "names of \(summary.classNames.count) classes in '\(summary.classNamesPlace)'", summary.classNames,
            limit: 10)
        add("prefixes removed", summary.removedPrefixes)
        add("left out among the weights", summary.otherItems)
        add("shared tensors", summary.aliases.map { "\($0.name) = \($0.of)" })
        add("note", notes)
        add("passed over", summary.passedOver)
        add("other weights in the file (--key, or --all)", summary.candidates.map { $0.isEmpty ? "''" : $0 })
        add(
            "names that run code in other loaders; nothing was run",
            summary.foreignGlobals.filter { $0.rating == .dangerous }.map(\.name), limit: 20)
        add("unknown names", summary.foreignGlobals.filter { $0.rating == .unknown }.map(\.name))
        add("unusual values", (written?.statistics ?? []).map { "\($0.name): \($0.counts.text)" }, limit: 20)
        return lines
    }
}

extension UnusualValues {
    fileprivate var text: String {
        [
            (nanCount, "NaN"), (infiniteCount, "infinite"), (denormalCount, "denormal"),
            (overflowCount, "too large for the type"),
        ]
        .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
