// SPDX-License-Identifier: MIT

extension PickleMachine {
    /// Carries out one instruction other than STOP.
    mutating func execute(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .stop: preconditionFailure("STOP ends the machine's loop")
        case .proto, .frame: try readHeader(opcode)
        case .mark, .pop, .popMark, .dup: try moveStack(opcode)
        case .put, .binPut, .longBinPut, .memoize, .get, .binGet, .longBinGet: try useMemo(opcode)
        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .int, .binInt, .binInt1, .binInt2, .long, .long1, .long4, .float, .binFloat: try pushNumber(opcode)
        case .string, .binString, .shortBinString, .unicode, .binUnicode, .shortBinUnicode, .binUnicode8:
            try pushText(opcode)
        case .binBytes, .shortBinBytes, .binBytes8, .byteArray8: try pushBytes(opcode)
        case .emptyList, .emptyTuple, .emptyDict, .emptySet, .tuple, .tuple1, .tuple2, .tuple3, .list, .dict,
            .frozenSet:
            try pushContainer(opcode)
        case .append: try appendLast()
        case .appends: try appendBatch()
        case .addItems: try appendBatch()
        case .setItem: try setPairs(pop(count: 2), from: nil)
        case .setItems: try setPairsBatch()
        case .global, .stackGlobal, .ext1, .ext2, .ext4: try pushGlobal(opcode)
        case .reduce, .newObj, .newObjEx, .inst, .obj: try pushObject(opcode)
        case .build: try build(pop())
        case .persistentID: try pushPersistentText()
        case .binPersistentID: try push(.persistent(pop()))
        case .nextBuffer, .readonlyBuffer:
            throw CheckpointError.unsupportedOpcode(opcode.rawValue, offset: opcodeOffset)
        }
    }

    private mutating func readHeader(_ opcode: PickleOpcode) throws {
        guard opcode == .proto else {
            _ = try reader.length(UInt64.self)
            return
        }
        guard opcodeOffset == startOffset else { throw malformed("a protocol that is stated too late") }
        let version = try reader.byte()
        guard version <= 5 else { throw malformed("pickle protocol \(version); 0 to 5 are known") }
    }

    private mutating func moveStack(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .mark: try pushMark()
        case .popMark: _ = try popToMark()
        case .dup: try pushAgain(top())
        default:
            // As in CPython, POP removes a mark that is on top.
            if let mark = marks.last, mark.height == stack.count { _ = try popToMark() } else { _ = try pop() }
        }
    }

    private mutating func useMemo(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .put: try remember(memoSlot())
        case .binPut: try remember(UInt64(reader.byte()))
        case .longBinPut: try remember(UInt64(reader.integer(UInt32.self)))
        case .memoize: try remember(UInt64(memo.count))
        case .get: try recall(memoSlot())
        case .binGet: try recall(UInt64(reader.byte()))
        default: try recall(UInt64(reader.integer(UInt32.self)))
        }
    }

    private mutating func memoSlot() throws -> UInt64 {
        let text = try asciiLine()
        guard let slot = UInt64(text) else { throw malformed("'\(text)' is no memo slot") }
        return slot
    }
}

// MARK: - Values

extension PickleMachine {
    private mutating func pushNumber(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .binInt: try push(.int(Int(reader.integer(Int32.self))))
        case .binInt1: try push(.int(Int(reader.byte())))
        case .binInt2: try push(.int(Int(reader.integer(UInt16.self))))
        case .long1: try push(Self.integer(reader.take(Int(reader.byte()))))
        case .long4: try push(Self.integer(reader.take(reader.length(UInt32.self))))
        case .binFloat: try push(.float(Double(bitPattern: reader.integer(UInt64.self).byteSwapped)))
        case .int, .long: try push(textInteger())
        default:
            let text = try asciiLine()
            guard let value = Double(text) else { throw malformed("'\(text)' is no number") }
            try push(.float(value))
        }
    }

    /// The whole number of little-endian two's complement bytes.
    private static func integer(_ region: ByteRegion) -> PickleNode {
        guard region.count <= 8 else { return .bigInt(Array(region.bytes)) }
        let isNegative = region.bytes.last.map { $0 & 0x80 != 0 } ?? false
        var value: UInt64 = isNegative ? .max : 0
        for byte in region.bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .int(Int(truncatingIfNeeded: value))
    }

    /// Protocol 0: `01` and `00` are the Booleans, an L at the end is Python 2's.
    private mutating func textInteger() throws -> PickleNode {
        var text = try asciiLine()
        if text == "01" { return .bool(true) }
        if text == "00" { return .bool(false) }
        if text.hasSuffix("L") { text.removeLast() }
        if let value = Int(text) { return .int(value) }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw malformed("'\(text)' is no whole number")
        }
        return .bigInt(Array(text.utf8))
    }

    private mutating func pushText(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .binUnicode: try push(.string(utf8(reader.take(reader.length(UInt32.self)))))
        case .shortBinUnicode: try push(.string(utf8(reader.take(reader.length(UInt8.self)))))
        case .binUnicode8: try push(.string(utf8(reader.take(reader.length(UInt64.self)))))
        case .binString: try push(Self.python2String(reader.take(reader.length(UInt32.self))))
        case .shortBinString: try push(Self.python2String(reader.take(reader.length(UInt8.self))))
        case .unicode:
            // Characters up to U+00FF are written as single bytes, all others as escapes.
            let line = String(String.UnicodeScalarView(try reader.line().bytes.map { Unicode.Scalar($0) }))
            guard let text = PickleText.rawUnicodeEscape(line) else { throw malformed("a malformed escape") }
            try push(.string(text))
        default:
            guard let bytes = PickleText.unquoted(try reader.line().bytes) else {
                throw malformed("a string that is not quoted, or has a malformed escape")
            }
            try push(Self.python2String(ByteRegion(copying: bytes)))
        }
    }

    private func utf8(_ region: ByteRegion) throws -> String {
        guard let text = region.utf8 else { throw malformed("text that is not valid UTF-8") }
        return text
    }

    /// Python 2 has one type for text and bytes: valid UTF-8 is taken as text.
    private static func python2String(_ region: ByteRegion) -> PickleNode {
        region.utf8.map { .string($0) } ?? .bytes(region)
    }

    private mutating func pushBytes(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .binBytes: try push(.bytes(reader.take(reader.length(UInt32.self))))
        case .shortBinBytes: try push(.bytes(reader.take(reader.length(UInt8.self))))
        default: try push(.bytes(reader.take(reader.length(UInt64.self))))
        }
    }

    private mutating func pushContainer(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .emptyList: try push(.list(PickleItems([])))
        case .emptyTuple: try push(.tuple([]))
        case .emptyDict: try push(.dictionary(PicklePairs([])))
        case .emptySet: try push(.set(PickleItems([])))
        case .tuple: try push(.tuple(popToMark()))
        case .tuple1: try push(.tuple(pop(count: 1)))
        case .tuple2: try push(.tuple(pop(count: 2)))
        case .tuple3: try push(.tuple(pop(count: 3)))
        case .list: try push(.list(PickleItems(popToMark())))
        case .frozenSet: try push(.set(PickleItems(popToMark())))
        default: try push(.dictionary(PicklePairs(pairs(popToMark()))))
        }
    }

    private mutating func asciiLine() throws -> String {
        guard let text = try reader.line().utf8, text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw malformed("text that is not ASCII")
        }
        return text
    }
}

// MARK: - Globals and calls: names and records

extension PickleMachine {
    private mutating func pushGlobal(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .global: try push(.global(globalLines()))
        case .stackGlobal:
            let parts = try pop(count: 2)
            guard let module = graph.string(parts[0]), let name = graph.string(parts[1]) else {
                throw malformed("a global whose name is no text")
            }
            try push(.global(PickleGlobal(module, name)))
        case .ext1: try push(.global(PickleGlobal("copyreg extension", String(reader.byte()))))
        case .ext2: try push(.global(PickleGlobal("copyreg extension", String(reader.integer(UInt16.self)))))
        default: try push(.global(PickleGlobal("copyreg extension", String(reader.integer(UInt32.self)))))
        }
    }

    private mutating func globalLines() throws -> PickleGlobal {
        let module = try utf8(reader.line())
        return PickleGlobal(module, try utf8(reader.line()))
    }

    private mutating func pushObject(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .reduce, .newObj:
            let parts = try pop(count: 2)
            try push(.object(PickleObject(callable: parts[0], arguments: parts[1])))
        case .newObjEx:
            let parts = try pop(count: 3)
            try push(.object(PickleObject(callable: parts[0], arguments: parts[1], items: [parts[2]])))
        case .inst:
            let callable = add(.global(try globalLines()))
            let arguments = add(.tuple(try popToMark()))
            try push(.object(PickleObject(callable: callable, arguments: arguments)))
        default:
            var items = try popToMark()
            guard !items.isEmpty else { throw malformed("OBJ without a class") }
            let callable = items.removeFirst()
            try push(.object(PickleObject(callable: callable, arguments: add(.tuple(items)))))
        }
    }

    private mutating func pushPersistentText() throws {
        let id = add(.string(try utf8(reader.line())))
        try push(.persistent(id))
    }
}
