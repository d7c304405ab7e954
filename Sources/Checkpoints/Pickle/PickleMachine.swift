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
    var marks: [PickleMark] = []
    var memo = PickleMemo()
    /// Python never remembers a number: one that is may be referred to again.
    var remembersNumbers = false
    /// Where in the graph the last value stood that can lead to a tensor: a call, a global, or a reference to one.
    var lastSubstance = -1
    /// Where the pickle begins.
    let startOffset: Int
    /// The mark that was removed last.
    var closed = PickleMark(height: 0, nodeCount: 0, putCount: 0)
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
        switch node {
        case .object, .global, .persistent: lastSubstance = graph.nodes.count
        default: break
        }
        graph.nodes.append(node)
        return graph.nodes.count - 1
    }

    /// Pushes a value that exists. What it leads to is not looked at, and once it is on the stack it can be changed: one that is
    /// older than the last mark counts as leading to a tensor.
    mutating func pushAgain(_ id: PickleNode.ID) throws {
        switch graph.nodes[id] {
        case .none, .bool, .int, .bigInt, .float, .string, .bytes, .discarded: break
        default: if id < (marks.last?.nodeCount ?? 0) { lastSubstance = graph.nodes.count }
        }
        try push(id: id)
    }

    mutating func push(id: PickleNode.ID) throws {
        guard stack.count < limits.maxStack else {
            throw CheckpointError.limitExceeded(limit: "maxStack", maximum: limits.maxStack)
        }
        stack.append(id)
    }

    /// The top value, which is never taken from below the last mark.
    func top() throws -> PickleNode.ID {
        guard stack.count > (marks.last?.height ?? 0), let id = stack.last else {
            throw malformed("the stack is empty")
        }
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
        marks.append(PickleMark(height: stack.count, nodeCount: graph.nodes.count, putCount: memo.puts.count))
    }

    /// The values above the last mark, which is removed.
    mutating func popToMark() throws -> [PickleNode.ID] {
        guard let mark = marks.popLast() else { throw malformed("no mark is open") }
        closed = mark
        let items = Array(stack[mark.height...])
        stack.removeSubrange(mark.height...)
        return items
    }

    mutating func remember(_ slot: UInt64) throws {
        let value = try top()
        guard memo.count < limits.maxMemo || memo[slot] != nil else {
            throw CheckpointError.limitExceeded(limit: "maxMemo", maximum: limits.maxMemo)
        }
        if graph.nodes[value].isNumber { remembersNumbers = true }
        memo.put(slot, value)
    }

    mutating func recall(_ slot: UInt64) throws {
        guard let id = memo[slot] else { throw malformed("memo slot \(slot) is empty") }
        try pushAgain(id)
    }
}

// MARK: - Changing a container that is already made

extension PickleMachine {
    /// Adds the top value to the list, set or object below it.
    mutating func appendLast() throws {
        let item = try pop()
        let target = try top()
        // A long list of numbers: the value just made goes again, if nothing else can refer to it.
        if item == graph.nodes.count - 1, !remembersNumbers, keptCount(target) > PickleDiscarding.longContainer,
            graph.nodes[item].isNumber
        {
            graph.nodes.removeLast()
            return shorten(target)
        }
        try append([item], to: target)
    }

    /// Adds the values above the last mark to the list, set or object below them.
    mutating func appendBatch() throws {
        let items = try popToMark()
        let target = try top()
        if isDiscarded(items.count, kept: keptCount(target)) { return shorten(target) }
        try append(items, to: target)
    }

    private mutating func append(_ items: [PickleNode.ID], to target: PickleNode.ID) throws {
        switch graph.nodes[target] {
        case .list(let list), .set(let list): list.items.append(contentsOf: items)
        case .object(let object): object.items.append(contentsOf: items)
        case .discarded: break
        default: throw malformed("items are appended to what is no list")
        }
    }

    mutating func setPairsBatch() throws {
        let items = try popToMark()
        try setPairs(items, from: closed)
    }

    /// Sets pairs, given as key, value, key, value, on the dict or object on top of the stack.
    ///
    /// - Parameter mark: What stood before them; nil for a single pair.
    mutating func setPairs(_ items: [PickleNode.ID], from mark: PickleMark?) throws {
        let added = try pairs(items)
        let target = try top()
        if mark != nil, case .dictionary(let dictionary) = graph.nodes[target],
            dictionary.pairs.count > PickleDiscarding.longContainer,
            dictionary.pairs.allSatisfy({ graph.nodes[$0.value].isNumber || graph.string($0.value) != nil }),
            isDiscarded(items.count, kept: dictionary.pairs.count)
        {
            return
        }
        switch graph.nodes[target] {
        case .dictionary(let dictionary): dictionary.pairs.append(contentsOf: added)
        case .object(let object): object.pairs.append(contentsOf: added)
        case .discarded: break
        default: throw malformed("a key is set on what is no dict")
        }
    }

    /// Gives the object on top of the stack a state.
    mutating func build(_ state: PickleNode.ID) throws {
        let target = try top()
        switch graph.nodes[target] {
        case .object(let object): object.states.append(state)
        case .discarded: break
        default: throw malformed("a state is given to what is no object")
        }
    }

    func pairs(_ items: [PickleNode.ID]) throws -> [PicklePair] {
        guard items.count.isMultiple(of: 2) else { throw malformed("a key has no value") }
        return stride(from: 0, to: items.count, by: 2).map { PicklePair(key: items[$0], value: items[$0 + 1]) }
    }
}
