// SPDX-License-Identifier: MIT

import Foundation
import JSON

/// Reads the input as any JSON, as a tensor and as base64, and holds what is read against Foundation's reader: it must read
/// the same wherever ours takes a text. The other way round ours may refuse more.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    checkValue(bytes)
    checkNumbers(bytes, allowsNonFinite: false)
    checkNumbers(bytes, allowsNonFinite: true)
    checkBase64(bytes)
    return 0
}

private func checkValue(_ bytes: [UInt8]) {
    var reader = JSONReader(bytes[...])
    let isSkipped = (try? reader.skipValue()).map { (try? reader.finish()) != nil } ?? false
    let value: JSONValue
    do {
        value = try JSONValue(parsing: bytes, maxMembers: JSONReader.maxMembers)
    } catch {
        precondition(!isSkipped, "a value that can be skipped can't be read")
        precondition((0...bytes.count).contains(error.offset), "the error is outside of the text")
        return
    }
    precondition(isSkipped, "a value that can be read can't be skipped")
    precondition(depth(value) <= JSONReader.maxDepth, "nested deeper than the limit")
    guard let peer = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) else {
        preconditionFailure("Foundation refuses what was read")
    }
    precondition(isSame(value, peer), "Foundation reads another value")
    let written = value.bytes()
    precondition(
        (try? JSONValue(parsing: written)).map { $0 == value } ?? false, "written and read, it is another value")
    precondition((try? JSONValue(parsing: Array(value.prettyText.utf8))) == value, "indented, it is another value")
    // An escape of six bytes is what a byte can become at most.
    precondition(written.count <= 6 * bytes.count + 32, "the text grows beyond measure")
}

private func depth(_ value: JSONValue) -> Int {
    switch value {
    case .array(let items): 1 + (items.map(depth).max() ?? 0)
    case .object(let members): 1 + (members.map { depth($0.value) }.max() ?? 0)
    default: 0
    }
}

private func isSame(_ value: JSONValue, _ peer: Any) -> Bool {
    switch value {
    case .null: return peer is NSNull
    case .bool(let value): return peer as? Bool == value
    case .integer(let value): return (peer as? NSNumber)?.int64Value == Int64(value)
    case .number(let value):
        // Foundation takes a detour by decimals, which costs it the last digits. The exact check is that of tensors.
        let other = (peer as? NSNumber)?.doubleValue ?? .nan
        return abs(value - other) <= max(abs(value) * 1e-9, .leastNonzeroMagnitude * 4)
    case .float, .floats: return false
    case .string(let text): return (peer as? String).map { Array($0.utf8) == Array(text.utf8) } ?? false
    case .array(let items):
        guard let peers = peer as? [Any], peers.count == items.count else { return false }
        return zip(items, peers).allSatisfy(isSame)
    case .object(let members):
        guard let peers = peer as? [String: Any] else { return false }
        // A dictionary takes names for one that differ only in how their accents are put together.
        return members.allSatisfy { member in peers[member.name] != nil } && peers.count <= members.count
            && (peers.count < members.count || members.allSatisfy { isSame($0.value, peers[$0.name] ?? NSNull()) })
    }
}

/// A tensor's numbers are those that stand in the text, one by one, as the C library reads them.
private func checkNumbers(_ bytes: [UInt8], allowsNonFinite: Bool) {
    let limit = 1000
    var reader = JSONReader(bytes[...], allowsNonFinite: allowsNonFinite)
    guard let numbers = try? reader.readNumbers(maxCount: limit), (try? reader.finish()) != nil else { return }
    precondition(numbers.values.count <= limit && numbers.shape.count <= JSONReader.maxRank, "more than the limits")
    precondition(numbers.shape.reduce(1, *) == numbers.values.count, "the shape is not that of the numbers")
    let words = bytes.split { "[], \t\r\n".utf8.contains($0) }.map { String(decoding: $0, as: UTF8.self) }
    precondition(words.count == numbers.values.count, "numbers are missing")
    for (word, value) in zip(words, numbers.values) {
        let expected = Float(strtod(word, nil))
        precondition(value == expected || value.isNaN && expected.isNaN, "a number is read as another")
        precondition(allowsNonFinite || !value.isNaN, "a NaN where there are none")
    }
}

private func checkBase64(_ bytes: [UInt8]) {
    guard let decoded = base64Decoded(bytes) else { return }
    precondition(decoded.count <= bytes.count / 4 * 3 + 2, "more bytes than the text has")
    let text = bytes.filter { $0 != 0x0A && $0 != 0x0D && $0 != UInt8(ascii: "=") }.map { byte in
        byte == UInt8(ascii: "-") ? UInt8(ascii: "+") : byte == UInt8(ascii: "_") ? UInt8(ascii: "/") : byte
    }
    let padded = text + Array(repeating: UInt8(ascii: "="), count: (4 - text.count % 4) % 4)
    precondition(Data(base64Encoded: Data(padded)).map(Array.init) == decoded, "Foundation decodes other bytes")
}
