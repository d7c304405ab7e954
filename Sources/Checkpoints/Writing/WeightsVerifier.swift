// SPDX-License-Identifier: MIT

/// Reads a written file back and compares it with the weights that it was made of.
package enum WeightsVerifier {
    /// Compares names, shapes, types and every element, bit by bit.
    ///
    /// - Parameters:
    ///   - path: The written file.
    ///   - contents: Where the weights came from.
    ///   - options: How they were written.
    /// - Throws: `CheckpointError.verificationFailed` with the first difference.
    package static func verify(
        _ path: String, against contents: CheckpointContents, options: WeightsWriter.Options, limits: CheckpointLimits
    ) throws {
        let selection = WeightsSelection(key: options.format == .pytorch ? "" : nil, keepsPrefixes: true)
        let written = try CheckpointContents.open(path: path, limits: limits, selection: selection, discardable: true)
        try written.verifyChecksums()
        let plans = try TensorPlan.plans(for: contents.weights, floatType: options.floatType)
        guard written.weights.count == plans.count else {
            throw CheckpointError.verificationFailed(
                name: path, reason: "\(written.weights.count) tensors instead of \(plans.count)")
        }
        let byName = Dictionary(uniqueKeysWithValues: written.weights.map { ($0.name, $0.tensor) })
        var pass = TensorPass()
        for plan in plans {
            guard let copy = byName[plan.name] else {
                throw CheckpointError.verificationFailed(name: plan.name, reason: "it is missing")
            }
            try compare(copy, with: plan, pass: &pass)
        }
    }

    private static func compare(
        _ copy: StoredTensor, with plan: TensorPlan, pass: inout TensorPass
    ) throws {
        func differs(_ reason: String) -> CheckpointError { .verificationFailed(name: plan.name, reason: reason) }
        guard copy.sizes == plan.sizes else { throw differs("its shape is \(copy.sizes), not \(plan.sizes)") }
        guard copy.type == plan.type, copy.foreign == plan.source.foreign, let bytes = copy.plainBytes else {
            throw differs("its elements are \(copy.type.rawValue), not \(plan.type.rawValue)")
        }
        var offset = 0
        var counts = UnusualValues()
        var window = PageWindow(bytes)
        _ = try pass.run(plan, counts: &counts) { piece in
            guard let same = bytes.slice(at: offset, count: piece.count) else { throw differs("it is cut short") }
            window.enter(same.bytes)
            guard same.hasSameBytes(as: piece) else { throw differs("bytes near offset \(offset)") }
            offset += piece.count
        }
        window.leave()
    }
}
