// SPDX-License-Identifier: MIT

import Text

extension PickleSurvey {
    /// The tensors within an object that stands where a weight does: packed parameters of a quantised layer, a DTensor, a
    /// sparse tensor. They are no weights as they are, and are marked as not taken. Those of a quantised layer get the names
    /// that its float layer has, `weight` and `bias`: the bias is taken, and with dequantisation the weight is too.
    mutating func packedTensors(
        in id: PickleNode.ID, named name: String
    ) throws -> [(name: String, tensor: StoredTensor)] {
        if graph.pairs(id) != nil || graph.moduleState(id) != nil { return [] }
        if case .list = graph[id] { return [] }
        var found: [StoredTensor] = []
        var queue = [id]
        var seen: Set<PickleNode.ID> = [id]
        var next = 0
        while next < queue.count, queue.count < 1000 {
            let item = queue[next]
            next += 1
            if let tensor = try tensor(item, named: name) {
                found.append(tensor)
            } else {
                for child in graph.children(of: item) where seen.insert(child).inserted { queue.append(child) }
            }
        }
        guard !found.isEmpty else { return [] }
        let kind = graph.object(id).flatMap { typeName(of: $0) } ?? "packed parameters"
        if found[0].type.isQuantised, found.count <= 2 {
            // As torch.nn.quantized has it: the weight, then the bias.
            let owner = name.split(separator: ".").prefix { $0 != "_packed_params" }.joined(separator: ".")
            return zip(["weight", "bias"], found).map { (owner.isEmpty ? $0 : "\(owner).\($0)", $1) }
        }
        // The largest stands for the weight: what is beside it says how it is spread or packed.
        guard var tensor = found.max(by: { $0.byteCount < $1.byteCount }) else { return [] }
        tensor.unsupported = tensor.unsupported ?? "part of \(kind)"
        return [(name, tensor)]
    }

    /// The class of what a call makes, as well as it can be told.
    private func typeName(of object: PickleObject) -> String? {
        guard let callable = graph.callable(of: object) else { return nil }
        if callable.name == "_rebuild_from_type_v2", let arguments = graph.tuple(object.arguments) {
            // (function, class, arguments, state); of a wrapper the class is the first argument.
            let inner = arguments.count > 2 ? graph.tuple(arguments[2])?.first.flatMap { graph.global($0) } : nil
            return inner?.name ?? (arguments.count > 1 ? graph.global(arguments[1])?.name : nil)
        }
        if callable.name.hasPrefix("_rebuild_") {
            return "a " + callable.name.dropFirst(9).split(separator: "_").joined(separator: " ")
        }
        return callable.name
    }
}
