// SPDX-License-Identifier: MIT

import Text

/// Numbers in nested arrays: their shape and, row by row, their values.
package struct NumberArray: Equatable, Sendable {
    /// The lengths of the arrays from the outermost in; empty for a lone number.
    package var shape: [Int]
    /// The values.
    package var values: [Float]

    package init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }
}

extension JSONReader {
    /// The deepest nesting of a tensor.
    package static let maxRank = 8

    /// Reads a number.
    ///
    /// - Throws: ``JSONError``, also for a number beyond the range of Double.
    package mutating func readNumber() throws -> Double {
        if skipBlanks() == nil { throw error(.truncated) }
        return try scanNumber()
    }

    /// Reads a number that has no fraction and fits an Int.
    package mutating func readInt() throws -> Int {
        let start = position
        if skipBlanks() == nil { throw error(.truncated) }
        let first = position
        let number = try scanNumber()
        // Digits only stay exact, up to the largest Int: a Double has 53 bits.
        let digits = String(decoding: bytes[first..<position], as: UTF8.self)
        guard let value = Int(digits) ?? Int(exactly: number) else {
            throw error(.expected("an integer"), at: start)
        }
        return value
    }

    /// Reads a number, or numbers in arrays of equal lengths.
    ///
    /// - Parameter maxCount: The most numbers.
    /// - Throws: ``JSONError``, also for a number beyond the range of Float.
    package mutating func readNumbers(maxCount: Int) throws -> NumberArray {
        var scan = ArrayScan(maxCount: maxCount)
        if nextKind() == .array {
            try readLevel(0, &scan)
        } else {
            if skipBlanks() == nil { throw error(.truncated) }
            scan.values.append(try scanFloat())
        }
        return NumberArray(shape: scan.shape, values: scan.values)
    }

    private struct ArrayScan {
        let maxCount: Int
        var shape: [Int] = []
        var values: [Float] = []
        /// The level of the arrays that hold the numbers.
        var leaf: Int?
        /// How many arrays of each level are complete, so that the first one sets the length.
        var isLengthKnown: [Bool] = []
    }

    /// Reads one array. Calls itself for the arrays in it, at most ``maxRank`` levels deep.
    private mutating func readLevel(_ level: Int, _ scan: inout ArrayScan) throws {
        guard level < Self.maxRank else { throw error(.tooDeep(limit: Self.maxRank)) }
        let start = position
        try expect("[")
        if scan.shape.count == level {
            scan.shape.append(0)
            scan.isLengthKnown.append(false)
        }
        var count = 0
        if !take(UInt8(ascii: "]")) {
            repeat {
                if scan.leaf == level { count += takePixels(&scan) }
                if skipBlanks() == UInt8(ascii: "[") {
                    if let leaf = scan.leaf, leaf <= level { throw error(.ragged) }
                    try readLevel(level + 1, &scan)
                } else {
                    try readLeaf(level, &scan)
                }
                count += 1
            } while take(UInt8(ascii: ","))
            try expect("]")
        }
        if scan.isLengthKnown[level], scan.shape[level] != count { throw error(.ragged, at: start) }
        if count == 0, scan.leaf.map({ $0 > level }) ?? false { throw error(.ragged, at: start) }
        scan.shape[level] = count
        scan.isLengthKnown[level] = true
    }

    /// Reads what most rows are made of, as long as it comes: whole numbers of a few digits, a comma right behind each.
    ///
    /// - Returns: How many were read. What comes next is an element of the row, whatever it is.
    private mutating func takePixels(_ scan: inout ArrayScan) -> Int {
        let room = scan.maxCount - scan.values.count
        let start = bytes.startIndex
        var count = 0
        var next = position - start
        // Once, for the row that the first number begins: pixels and their commas are four bytes at most.
        if scan.values.count == 1 { scan.values.reserveCapacity(min((bytes.count - next) / 4, scan.maxCount)) }
        bytes.withUnsafeBufferPointer { bytes in
            while count < room {
                var cursor = next
                while cursor < bytes.count, bytes[cursor] == 0x20 { cursor += 1 }
                let first = cursor
                var value: Int32 = 0
                while cursor < bytes.count, bytes[cursor] &- 0x30 < 10, cursor - first < 7 {
                    value = value &* 10 &+ Int32(bytes[cursor] &- 0x30)
                    cursor += 1
                }
                let digits = cursor - first
                guard digits > 0, digits == 1 || bytes[first] != 0x30, cursor < bytes.count,
                    bytes[cursor] == UInt8(ascii: ",")
                else { break }
                // Seven digits are exact as a Float.
                scan.values.append(Float(value))
                next = cursor + 1
                count += 1
            }
        }
        position = start + next
        return count
    }

    private mutating func readLeaf(_ level: Int, _ scan: inout ArrayScan) throws {
        if scan.leaf == nil {
            guard scan.shape.count == level + 1 else { throw error(.ragged) }
            scan.leaf = level
        }
        guard scan.leaf == level else { throw error(.ragged) }
        guard scan.values.count < scan.maxCount else { throw error(.tooMany(limit: scan.maxCount)) }
        scan.values.append(try scanFloat())
    }

    /// Reads a number that begins at the very next byte and that a Float can hold, if not to the last digit: a finite one
    /// never becomes an infinity.
    private mutating func scanFloat() throws -> Float {
        let start = position
        let value = try scanNumber()
        let float = Float(value)
        if float.isInfinite, value.isFinite { throw error(.outOfRange, at: start) }
        return float
    }

    /// Reads a number that begins at the very next byte.
    mutating func scanNumber() throws -> Double {
        let start = position
        var cursor = position
        let end = bytes.endIndex
        let isNegative = cursor < end && bytes[cursor] == UInt8(ascii: "-")
        if isNegative { cursor += 1 }
        var mantissa: UInt64 = 0
        let integerStart = cursor
        while cursor < end, bytes[cursor] &- 0x30 < 10 {
            if cursor - integerStart < 15 { mantissa = mantissa &* 10 &+ UInt64(bytes[cursor] &- 0x30) }
            cursor += 1
        }
        var digits = cursor - integerStart
        if digits == 0 { return try scanNonFinite(isNegative: isNegative) }
        if digits > 1, bytes[integerStart] == 0x30 { throw error(.malformedNumber) }
        var fraction = 0
        if cursor < end, bytes[cursor] == UInt8(ascii: ".") {
            let fractionStart = cursor + 1
            cursor = fractionStart
            while cursor < end, bytes[cursor] &- 0x30 < 10 {
                if digits < 15 { mantissa = mantissa &* 10 &+ UInt64(bytes[cursor] &- 0x30) }
                digits += 1
                cursor += 1
            }
            fraction = cursor - fractionStart
            if fraction == 0 { throw error(.malformedNumber, at: cursor) }
        }
        if cursor < end, bytes[cursor] | 0x20 == UInt8(ascii: "e") {
            return try scanLong(from: start, mantissaEnd: cursor)
        }
        position = cursor
        // Up to 15 digits and a power of ten up to 22 are exact as Doubles, and so is their rounded quotient.
        guard digits <= 15 else { return try scanLong(from: start, mantissaEnd: cursor) }
        let value = Double(mantissa) / powersOfTen[fraction]
        return isNegative ? -value : value
    }

    /// Reads numbers with an exponent or many digits by the standard library's conversion.
    private mutating func scanLong(from start: Int, mantissaEnd: Int) throws -> Double {
        var cursor = mantissaEnd
        if cursor < bytes.endIndex, bytes[cursor] | 0x20 == UInt8(ascii: "e") {
            cursor += 1
            if cursor < bytes.endIndex, bytes[cursor] == UInt8(ascii: "+") || bytes[cursor] == UInt8(ascii: "-") {
                cursor += 1
            }
            let exponentStart = cursor
            while cursor < bytes.endIndex, bytes[cursor] &- 0x30 < 10 { cursor += 1 }
            if cursor == exponentStart { throw error(.malformedNumber, at: cursor) }
        }
        guard let value = Double(String(decoding: bytes[start..<cursor], as: UTF8.self)) else {
            throw error(.malformedNumber, at: start)
        }
        if !value.isFinite { throw error(.outOfRange, at: start) }
        position = cursor
        return value
    }

    private mutating func scanNonFinite(isNegative: Bool) throws -> Double {
        if allowsNonFinite {
            if takeWord("NaN") { return .nan }
            if takeWord("Infinity") { return .infinity }
            if takeWord("-Infinity") { return -.infinity }
        }
        throw error(isNegative ? .malformedNumber : .expected("a number"))
    }
}

private let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]
