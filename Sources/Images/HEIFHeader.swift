// SPDX-License-Identifier: MIT

/// The sizes that a HEIF file's boxes state, read without libheif: what decoding may take is known before that.
///
/// - Source: ISO/IEC 14496-12, section 4.2 and 8.11; ISO/IEC 23008-12, sections 6.5.3 and 9.3.
struct HEIFHeader {
    /// Width and height of the largest picture that the file describes; its parts are smaller.
    private(set) var width = 0
    private(set) var height = 0

    /// Boxes that are looked at, so that a file of nothing but boxes takes no time.
    private static let maxBoxes = 65_536

    /// Nil where no picture's size is stated.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var left = Self.maxBoxes
        read(bytes, 0..<bytes.count, depth: 0, &left)
        if width == 0 || height == 0 { return nil }
    }

    /// The boxes that lead to the sizes, and how many bytes stand before what they contain.
    private static let containers: [(name: StaticString, headerBytes: Int)] = [("meta", 4), ("iprp", 0), ("ipco", 0)]

    private mutating func read(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, depth: Int, _ left: inout Int) {
        var position = range.lowerBound
        while position <= range.upperBound - 8, left > 0 {
            left -= 1
            guard var size = bytes.bigEndian(at: position, bytes: 4) else { return }
            var start = position + 8
            if size == 1 {
                // The size follows in eight bytes; more than four of them no file has.
                guard bytes.bigEndian(at: position + 8, bytes: 4) == 0,
                    let long = bytes.bigEndian(at: position + 12, bytes: 4)
                else { return }
                (size, start) = (long, position + 16)
            } else if size == 0 {
                size = range.upperBound - position
            }
            guard size >= start - position, size <= range.upperBound - position else { return }
            let name = bytes[(position + 4)..<(position + 8)]
            let content = start..<(position + size)
            if isNamed(name, "ispe") {
                note(bytes, content)
            } else if depth < Self.containers.count, isNamed(name, Self.containers[depth].name) {
                let first = min(content.lowerBound + Self.containers[depth].headerBytes, content.upperBound)
                read(bytes, first..<content.upperBound, depth: depth + 1, &left)
            }
            position += size
        }
    }

    private func isNamed(_ name: Slice<UnsafeRawBufferPointer>, _ wanted: StaticString) -> Bool {
        name.elementsEqual(UnsafeBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount))
    }

    private mutating func note(_ bytes: UnsafeRawBufferPointer, _ content: Range<Int>) {
        guard content.count >= 12, let width = bytes.bigEndian(at: content.lowerBound + 4, bytes: 4),
            let height = bytes.bigEndian(at: content.lowerBound + 8, bytes: 4)
        else { return }
        // Products of 32 bits fit.
        let area = Double(width) * Double(height)
        if area > Double(self.width) * Double(self.height) { (self.width, self.height) = (width, height) }
    }
}
