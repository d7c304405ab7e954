// SPDX-License-Identifier: MIT

/// Decodes base64, of the plain or the URL alphabet, with or without padding.
///
/// - Returns: nil if the text is no base64. Line ends are allowed, other blanks are not.
/// - Source: RFC 4648, sections 4 and 5.
package func base64Decoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var output: [UInt8] = []
    output.reserveCapacity(text.underestimatedCount / 4 * 3)
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for byte in text {
        let value: UInt8
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
        case UInt8(ascii: "="):
            padding += 1
            continue
        case 0x0A, 0x0D: continue
        default: return nil
        }
        if padding > 0 { return nil }
        bits = bits << 6 | UInt32(value)
        count += 1
        if count == 4 {
            output.append(contentsOf: [
                UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8),
                UInt8(truncatingIfNeeded: bits),
            ])
            (bits, count) = (0, 0)
        }
    }
    guard count != 1, padding == 0 || padding <= 2 && padding + count == 4 else { return nil }
    if count > 1 { output.append(UInt8(truncatingIfNeeded: bits >> (count == 2 ? 4 : 10))) }
    if count > 2 { output.append(UInt8(truncatingIfNeeded: bits >> 2)) }
    return output
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
