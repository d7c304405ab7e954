// SPDX-License-Identifier: MIT

extension Graph: CustomStringConvertible {
    /// A line for each input, node and output, for example
    /// `%12 f32 [1, 64, 56, 56] = Conv(%3, %4) strides=[1, 1]  # layer1.0.conv1`.
    public var description: String {
        var lines = inputs.map { "input \(text($0))  # \(self[$0].name)" }
        for node in nodes {
            let outputs = node.outputs.map(text).joined(separator: ", ")
            let inputs = node.inputs.map {
                constant($0) == nil ? "%\($0.index)" : "\(fact($0).elementType.rawValue)\(fact($0).shape)"
            }
            let attributes = node.op.attributes.map { " \($0.name)=\($0.value)" }.joined()
            lines.append("\(outputs) = \(node.op.name)(\(inputs.joined(separator: ", ")))\(attributes)  # \(node.name)")
        }
        lines.append(
            "output " + outputs.map { "%\($0.index)" }.joined(separator: ", ") + "  # "
                + outputNames.joined(separator: ", "))
        return lines.joined(separator: "\n")
    }

    private func text(_ id: ValueID) -> String { "%\(id.index) \(fact(id))" }
}
