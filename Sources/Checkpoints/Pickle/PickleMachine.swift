// SPDX-License-Identifier: MIT

/// Reads a pickle of protocol 0 to 5 into a graph of inert values.
///
/// Nothing is imported, called or constructed: a global is a name, a call is a record of its parts. Every instruction
/// makes at most a few values, and none takes memory that the pickle's own bytes do not pay for.
package struct PickleMachine {
    var reader: ByteReader
    let limits: CheckpointLimits
    var graph = PickleGraph()
    /// Values under construction.
    var stack: [PickleNode.ID] = []
    /// Heights of the stack at each open mark.
    var marks: [Int] = []
    var memo: [UInt64: PickleNode.ID] = [:]
    /// Where the pickle begins.
    let startOffset: Int
    /// Where the instruction that is being read begins.
    var opcodeOffset = 0

    private init(_ reader: ByteReader, limits: CheckpointLimits) {
        self.reader = reader
        self.limits = limits
        startOffset = reader.offset
    }

    /// Reads the pickle that begins at `offset` of `bytes`. What follows its end is left alone.
    ///
    /// - Throws: ``CheckpointError``.
    package static func read(
        _ bytes: ByteRegion, part: String, offset: Int = 0, limits: CheckpointLimits
    ) throws -> PickleGraph {
        var machine = PickleMachine(ByteReader(bytes, part: part, offset: offset), limits: limits)
        return try machine.run()
    }

    private mutating func run() throws -> PickleGraph {
        for _ in 0..<limits.maxOpcodes {
            opcodeOffset = reader.offset
            if opcodeOffset - startOffset > limits.maxPickleBytes {
                throw CheckpointError.limitExceeded(limit: "maxPickleBytes", maximum: limits.maxPickleBytes)
            }
            let byte = try reader.byte()
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw CheckpointError.unsupportedOpcode(byte, offset: opcodeOffset)
            }
            if opcode == .stop { return try finish() }
            try execute(opcode)
        }
        throw CheckpointError.limitExceeded(limit: "maxOpcodes", maximum: limits.maxOpcodes)
    }

    /// One value must be left, and no open mark.
    private mutating func finish() throws -> PickleGraph {
        guard marks.isEmpty, stack.count == 1 else {
            throw malformed("the pickle ends with \(stack.count) values on the stack and \(marks.count) open marks")
        }
        graph.root = stack[0]
        graph.endOffset = reader.offset
        return graph
    }

    func malformed(_ reason: String) -> CheckpointError { reader.malformed(reason, at: opcodeOffset) }
}

// MARK: - Stack, marks and memo

extension PickleMachine {
    mutating func push(_ node: PickleNode) throws { try push(id: add(node)) }

    /// Makes a value that is not on the stack.
    mutating func add(_ node: PickleNode) -> PickleNode.ID {
        graph.nodes.append(node)
        return graph.nodes.count - 1
    }

    mutating func push(id: PickleNode.ID) throws {
        guard stack.count < limits.maxStack else {
            throw CheckpointError.limitExceeded(limit: "maxStack", maximum: limits.maxStack)
        }
        stack.append(id)
    }

    /// The top value, which is never taken from below the last mark.
    func top() throws -> PickleNode.ID {
        guard stack.count > (marks.last ?? 0), let id = stack.last else { throw malformed("the stack is empty") }
        return id
    }

    mutating func pop() throws -> PickleNode.ID {
        let id = try top()
        stack.removeLast()
        return id
    }

    /// The top `count` values, the topmost last.
    mutating func pop(count: Int) throws -> [PickleNode.ID] {
        var items: [PickleNode.ID] = []
        for _ in 0..<count { items.append(try pop()) }
        return items.reversed()
    }

    mutating func pushMark() throws {
        guard marks.count < limits.maxStack else {
            throw CheckpointError.limitExceeded(limit: "maxStack", maximum: limits.maxStack)
        }
        marks.append(stack.count)
    }

    /// The values above the last mark, which is removed.
    mutating func popToMark() throws -> [PickleNode.ID] {
        guard let mark = marks.popLast() else { throw malformed("no mark is open") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    mutating func remember(_ slot: UInt64) throws {
        let value = try top()
        guard memo.count < limits.maxMemo || memo[slot] != nil else {
            throw CheckpointError.limitExceeded(limit: "maxMemo", maximum: limits.maxMemo)
        }
        memo[slot] = value
    }

    mutating func recall(_ slot: UInt64) throws {
        guard let id = memo[slot] else { throw malformed("memo slot \(slot) is empty") }
        try push(id: id)
    }
}

// MARK: - Changing a container that is already made

extension PickleMachine {
    // Each takes the container out of the graph while it grows, so that its array is not copied.

    /// Adds items to the list, set or object on top of the stack.
    mutating func append(_ items: [PickleNode.ID]) throws {
        let target = try top()
        switch graph.nodes[target] {
        case .list(var list):
            graph.nodes[target] = .none
            list.append(contentsOf: items)
            graph.nodes[target] = .list(list)
        case .object(var object):
            graph.nodes[target] = .none
            object.items.append(contentsOf: items)
            graph.nodes[target] = .object(object)
        default: throw malformed("items are appended to what is no list")
        }
    }

    mutating func addToSet(_ items: [PickleNode.ID]) throws {
        let target = try top()
        guard case .set(var set) = graph.nodes[target] else { return try append(items) }
        graph.nodes[target] = .none
        set.append(contentsOf: items)
        graph.nodes[target] = .set(set)
    }

    /// Sets pairs, given as key, value, key, value, on the dict or object on top of the stack.
    mutating func setPairs(_ items: [PickleNode.ID]) throws {
        let added = try pairs(items)
        let target = try top()
        switch graph.nodes[target] {
        case .dictionary(var pairs):
            graph.nodes[target] = .none
            pairs.append(contentsOf: added)
            graph.nodes[target] = .dictionary(pairs)
        case .object(var object):
            graph.nodes[target] = .none
            object.pairs.append(contentsOf: added)
            graph.nodes[target] = .object(object)
        default: throw malformed("a key is set on what is no dict")
        }
    }

    /// Gives the object on top of the stack a state.
    mutating func build(_ state: PickleNode.ID) throws {
        let target = try top()
        guard case .object(var object) = graph.nodes[target] else {
            throw malformed("a state is given to what is no object")
        }
        graph.nodes[target] = .none
        object.states.append(state)
        graph.nodes[target] = .object(object)
    }

    func pairs(_ items: [PickleNode.ID]) throws -> [PicklePair] {
        guard items.count.isMultiple(of: 2) else { throw malformed("a key has no value") }
        return stride(from: 0, to: items.count, by: 2).map { PicklePair(key: items[$0], value: items[$0 + 1]) }
    }
}
