// SPDX-License-Identifier: MIT

/// Decodes base64, of the plain or the URL alphabet, with or without padding.
///
/// - Returns: nil if the text is no base64. Line ends are allowed, other blanks are not.
/// - Source: RFC 4648, sections 4 and 5.
package func base64Decoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
    text.withContiguousStorageIfAvailable(decoded) ?? Array(text).withUnsafeBufferPointer(decoded)
}

private func decoded(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var isRight = true
    let output = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { output, count in
        guard let written = digits.withUnsafeBufferPointer({ decode(text, by: $0, to: output) }) else {
            isRight = false
            return
        }
        count = written
    }
    return isRight ? output : nil
}

/// - Returns: How many bytes were written; nil if the text is no base64.
private func decode(
    _ text: UnsafeBufferPointer<UInt8>, by digits: UnsafeBufferPointer<UInt8>,
    to output: UnsafeMutableBufferPointer<UInt8>
) -> Int? {
    var (index, written, held, padding) = (0, 0, 0, 0)
    var bits: UInt32 = 0
    func write(_ bits: UInt32) {
        output[written] = UInt8(truncatingIfNeeded: bits >> 16)
        output[written + 1] = UInt8(truncatingIfNeeded: bits >> 8)
        output[written + 2] = UInt8(truncatingIfNeeded: bits)
        written += 3
    }
    while index < text.count {
        // Four digits at a time, up to what is none.
        while held == 0, padding == 0, index + 4 <= text.count {
            let (first, second) = (digits[Int(text[index])], digits[Int(text[index + 1])])
            let (third, fourth) = (digits[Int(text[index + 2])], digits[Int(text[index + 3])])
            guard first | second | third | fourth < 64 else { break }
            write(UInt32(first) << 18 | UInt32(second) << 12 | UInt32(third) << 6 | UInt32(fourth))
            index += 4
        }
        guard index < text.count else { break }
        let digit = digits[Int(text[index])]
        index += 1
        switch digit {
        case 0..<64:
            if padding > 0 { return nil }
            bits = bits << 6 | UInt32(digit)
            held += 1
            if held == 4 {
                write(bits)
                (bits, held) = (0, 0)
            }
        case Base64Digit.padding: padding += 1
        case Base64Digit.lineEnd: continue
        default: return nil
        }
    }
    guard held != 1, padding == 0 || padding <= 2 && padding + held == 4 else { return nil }
    if held > 1 {
        let whole = bits << UInt32(24 - 6 * held)
        output[written] = UInt8(truncatingIfNeeded: whole >> 16)
        if held > 2 { output[written + 1] = UInt8(truncatingIfNeeded: whole >> 8) }
        written += held - 1
    }
    return written
}

/// What stands for no digit in ``digits``; a digit is below 64.
private enum Base64Digit {
    static let padding: UInt8 = 64
    static let lineEnd: UInt8 = 65
    static let none: UInt8 = 255
}

/// What each byte means, in both alphabets.
private let digits: [UInt8] = (UInt8.min...UInt8.max).map { byte in
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 71
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte + 4
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    case UInt8(ascii: "="): Base64Digit.padding
    case 0x0A, 0x0D: Base64Digit.lineEnd
    default: Base64Digit.none
    }
}

/// Encodes bytes as base64 of the plain alphabet, with padding.
///
/// - Source: RFC 4648, section 4.
package func base64Encoded(_ bytes: [UInt8]) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    return [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { output, count in
        var index = 0
        while index < bytes.count {
            let second = index + 1 < bytes.count ? bytes[index + 1] : 0
            let third = index + 2 < bytes.count ? bytes[index + 2] : 0
            let bits = Int(bytes[index]) << 16 | Int(second) << 8 | Int(third)
            for place in 0..<4 {
                let isPadding = index + place > bytes.count
                output[count] = isPadding ? UInt8(ascii: "=") : alphabet[bits >> (18 - 6 * place) & 63]
                count += 1
            }
            index += 3
        }
    }
}
