// SPDX-License-Identifier: MIT

import CommandSupport
import Inference
import JSON

extension ModelDescription.Input {
    /// What the network takes, for people: "28x28x1", width first, or each tensor with its sizes in the network's order.
    var shown: String {
        guard preprocessing == .tensors else { return "\(width)x\(height)x\(channels)" }
        return tensors.map { tensor in
            let sizes = tensor.shape.map(String.init).joined(separator: "x")
            return Printable.line(tensor.name) + (sizes.isEmpty ? "" : " \(sizes)")
        }.joined(separator: " + ")
    }

    /// What the network takes, for programs: channels, height and width, or an object of each tensor's sizes by its name.
    var json: JSONValue {
        guard preprocessing == .tensors else {
            return .array([.integer(channels), .integer(height), .integer(width)])
        }
        return .object(tensors.map { ($0.name, .array($0.shape.map { .integer($0) })) } as [(String, JSONValue)])
    }
}
