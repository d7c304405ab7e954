// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// The translators of all operators that are known, by the operator's name with its overload: "aten.conv2d.default".
enum AtenOperators {
    /// All of them; each family registers its own.
    static let all: [String: AtenTranslator] = [
        unary, binary, windows, products, attention, normalizations, reductions, views, parts, joins, selections,
        images, folds,
        sources, types, numbers,
    ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }

    /// The translator of an operator. One in place is its twin that answers a new value, which is then written to the first argument:
    /// "aten.relu_.default" is "aten.relu.default".
    static func translator(_ op: String) -> AtenTranslator? {
        if let known = all[op] { return known }
        let parts = op.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map {
            String($0) ?? ""
        }
        guard parts.count == 3, parts[0] == "aten", parts[1].hasSuffix("_"), !parts[1].hasSuffix("__"),
            let twin = all["aten.\(parts[1].dropLast()).\(parts[2])"]
        else { return nil }
        return { call in
            let target = try call.firstBinding()
            let results = try twin(call)
            guard results.count == 1, case .tensor(let new)? = results[0] else {
                throw call.invalid("it gives more than it could write in place")
            }
            try call.write(new, to: target)
            return [.tensor(target)]
        }
    }
}

extension Call {
    /// Writes a value to the memory of a name, in the name's shape and type.
    func write(_ new: Binding, to target: Binding) throws {
        let old = try target.current(importer, name: node.name)
        var id = try new.current(importer, name: node.name)
        if id == old { return }
        id = try expand(cast(id, to: type(old)), to: shape(old))
        try target.write(id, importer, name: node.name)
    }
}
