// SPDX-License-Identifier: MIT

/// The name of a Python object that a pickle asks for. Never looked up: a name, and no more.
package struct PickleGlobal: Hashable, Sendable, CustomStringConvertible {
    package let module: String
    package let name: String

    package init(_ module: String, _ name: String) {
        self.module = module
        self.name = name
    }

    package var description: String { "\(module).\(name)" }
}

/// A value that a pickle describes. Containers refer to their parts by index into the graph.
package enum PickleNode: Sendable {
    /// A place in the graph's `nodes`.
    package typealias ID = Int

    case none
    case bool(Bool)
    case int(Int)
    /// A whole number that does not fit `Int`: its little-endian two's complement bytes, or its decimal digits.
    case bigInt([UInt8])
    case float(Double)
    case string(String)
    indirect case bytes(ByteRegion)
    indirect case global(PickleGlobal)
    case tuple([ID])
    case list(PickleItems)
    case set(PickleItems)
    case dictionary(PicklePairs)
    /// What a call would have made; nothing was called.
    case object(PickleObject)
    /// Something outside the pickle, such as a storage.
    case persistent(ID)
    /// Numbers and texts beside the weights that were too many to be kept.
    case discarded
}

/// The items of a list or set. Only the machine that reads the pickle changes them, in place.
package final class PickleItems: @unchecked Sendable {
    package internal(set) var items: [PickleNode.ID]
    /// Items beyond these were not kept.
    package internal(set) var isShortened = false

    init(_ items: [PickleNode.ID]) { self.items = items }
}

/// The pairs of a dict. Only the machine that reads the pickle changes them, in place.
package final class PicklePairs: @unchecked Sendable {
    package internal(set) var pairs: [PicklePair]

    init(_ pairs: [PicklePair]) { self.pairs = pairs }
}

/// A key and a value.
package struct PicklePair: Sendable {
    package let key: PickleNode.ID
    package let value: PickleNode.ID
}

/// A call that the pickle asks for, with everything that would be done to its result. Inert. Only the machine that reads the
/// pickle changes it, in place.
package final class PickleObject: @unchecked Sendable {
    /// What would be called.
    package let callable: PickleNode.ID
    /// The arguments' tuple.
    package let arguments: PickleNode.ID
    /// Items that would be appended.
    package internal(set) var items: [PickleNode.ID]
    /// Pairs that would be set.
    package internal(set) var pairs: [PicklePair] = []
    /// The state that would be set, one for each BUILD.
    package internal(set) var states: [PickleNode.ID] = []

    init(callable: PickleNode.ID, arguments: PickleNode.ID, items: [PickleNode.ID] = []) {
        self.callable = callable
        self.arguments = arguments
        self.items = items
    }
}

/// Everything that a pickle describes: values that may share parts, and may contain themselves.
package struct PickleGraph: Sendable {
    /// All values, in order of creation.
    package internal(set) var nodes: [PickleNode] = []
    /// The value that the pickle stands for.
    package internal(set) var root: PickleNode.ID = 0
    /// Where the pickle ends in the bytes that it was read from.
    package internal(set) var endOffset = 0

    package subscript(id: PickleNode.ID) -> PickleNode { nodes[id] }
}

extension PickleGraph {
    /// The values that are directly part of a value.
    package func children(of id: PickleNode.ID) -> [PickleNode.ID] {
        switch nodes[id] {
        case .none, .bool, .int, .bigInt, .float, .string, .bytes, .global, .discarded: []
        case .tuple(let items): items
        case .list(let list), .set(let list): list.items
        case .dictionary(let dictionary): dictionary.pairs.flatMap { [$0.key, $0.value] }
        case .persistent(let tuple): [tuple]
        case .object(let object):
            [object.callable, object.arguments] + object.items + object.pairs.flatMap { [$0.key, $0.value] }
                + object.states
        }
    }

    package func string(_ id: PickleNode.ID) -> String? {
        guard case .string(let value) = nodes[id] else { return nil }
        return value
    }

    package func int(_ id: PickleNode.ID) -> Int? {
        guard case .int(let value) = nodes[id] else { return nil }
        return value
    }

    package func tuple(_ id: PickleNode.ID) -> [PickleNode.ID]? {
        guard case .tuple(let items) = nodes[id] else { return nil }
        return items
    }

    package func global(_ id: PickleNode.ID) -> PickleGlobal? {
        guard case .global(let value) = nodes[id] else { return nil }
        return value
    }

    package func object(_ id: PickleNode.ID) -> PickleObject? {
        guard case .object(let value) = nodes[id] else { return nil }
        return value
    }

    /// The name of what an object would be made by.
    package func callable(of object: PickleObject) -> PickleGlobal? { global(object.callable) }

    /// The items of a tuple or list.
    package func sequence(_ id: PickleNode.ID) -> [PickleNode.ID]? {
        switch nodes[id] {
        case .tuple(let items): items
        case .list(let list): list.items
        default: nil
        }
    }

    /// The pairs of a dict, or of an OrderedDict, Counter or defaultdict, however the pickle builds it.
    package func pairs(_ id: PickleNode.ID) -> [PicklePair]? {
        switch nodes[id] {
        case .dictionary(let dictionary): return dictionary.pairs
        case .object(let object):
            guard let name = callable(of: object) else { return nil }
            if Self.dictionaryClasses.contains(name) { return constructorPairs(object) + object.pairs }
            // Keys are set on no object but a dict: the class is one that inherits from it.
            if !object.pairs.isEmpty { return object.pairs }
            return subclassPairs(object)
        default: return nil
        }
    }

    private static let dictionaryClasses: Set<PickleGlobal> = [
        PickleGlobal("collections", "OrderedDict"), PickleGlobal("collections", "Counter"),
        PickleGlobal("collections", "defaultdict"),
    ]

    /// Python 2 writes `OrderedDict([[key, value], ...])`; a Counter is made from a dict.
    private func constructorPairs(_ object: PickleObject) -> [PicklePair] {
        guard let argument = tuple(object.arguments)?.last else { return [] }
        if case .dictionary(let dictionary) = nodes[argument] { return dictionary.pairs }
        return (sequence(argument) ?? []).compactMap { item in
            guard let pair = sequence(item), pair.count == 2 else { return nil }
            return PicklePair(key: pair[0], value: pair[1])
        }
    }

    /// A subclass of OrderedDict that is made as Python 2 makes one: `Class([[key, value], ...])`.
    private func subclassPairs(_ object: PickleObject) -> [PicklePair]? {
        guard let arguments = tuple(object.arguments), arguments.count == 1, let items = sequence(arguments[0]),
            !items.isEmpty, items.allSatisfy({ sequence($0)?.count == 2 })
        else { return nil }
        return constructorPairs(object)
    }
}
