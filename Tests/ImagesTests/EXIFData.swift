// SPDX-License-Identifier: MIT

/// Writes the EXIF data of a photo, as cameras do, and reads them again, without the library's own reader.
struct EXIFData {
    /// Entries of the picture's directory, of EXIF's own and of the preview's, by tag.
    var picture: [UInt16: [UInt32]] = [:]
    var exif: [UInt16: [UInt32]] = [:]
    var preview: [UInt16: [UInt32]] = [:]
    var previewJPEG: [UInt8] = []
    /// Bytes behind the preview, as makers' notes may be.
    var after: [UInt8] = []

    private static let types: [UInt16: UInt16] = [0x112: 3, 0x9214: 3, 0xA214: 3, 0x103: 3]

    /// The TIFF file, little-endian.
    var bytes: [UInt8] {
        var directories = [picture, exif, preview]
        let hasEXIF = !exif.isEmpty
        let hasPreview = !previewJPEG.isEmpty
        if hasEXIF { directories[0][0x8769] = [0] }
        if hasPreview {
            directories[2][0x201] = [0]
            directories[2][0x202] = [UInt32(previewJPEG.count)]
        }
        let used = directories.enumerated().filter { $0.offset == 0 || !$0.element.isEmpty }
        var starts: [Int: Int] = [:]
        var end = 8
        for (index, directory) in used {
            starts[index] = end
            end += 6 + 12 * directory.count
        }
        if hasEXIF { directories[0][0x8769] = [UInt32(starts[1] ?? 0)] }
        var body: [UInt8] = []
        var values: [UInt8] = []
        let valuesStart = end
        let valuesSize = used.flatMap { directories[$0.offset] }.map { Self.size($0.key, $0.value) }.filter { $0 > 4 }
            .reduce(0, +)
        if hasPreview { directories[2][0x201] = [UInt32(valuesStart + valuesSize)] }
        for (index, _) in used {
            let directory = directories[index].sorted { $0.key < $1.key }
            body += Self.little(UInt32(directory.count), 2)
            for (tag, numbers) in directory {
                let type = Self.types[tag] ?? 4
                let unit = type == 3 ? 2 : 4
                let data = numbers.flatMap { Self.little($0, unit) }
                body +=
                    Self.little(UInt32(tag), 2) + Self.little(UInt32(type), 2) + Self.little(UInt32(numbers.count), 4)
                if data.count > 4 {
                    body += Self.little(UInt32(valuesStart + values.count), 4)
                    values += data
                } else {
                    body += data + [UInt8](repeating: 0, count: 4 - data.count)
                }
            }
            body += Self.little(index == 0 && hasPreview ? UInt32(starts[2] ?? 0) : 0, 4)
        }
        return [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0] + body + values + previewJPEG + after
    }

    private static func size(_ tag: UInt16, _ values: [UInt32]) -> Int { values.count * (types[tag] == 3 ? 2 : 4) }

    static func little(_ value: UInt32, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }

    /// A JPEG with these data in a segment at its start.
    func inserted(into jpeg: [UInt8]) -> [UInt8] {
        let payload = Array("Exif\0\0".utf8) + bytes
        let length = payload.count + 2
        return jpeg[..<2] + [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + payload + jpeg[2...]
    }

    init() {}

    /// Reads the data of a JPEG's first EXIF segment; nil if there is none.
    init?(in jpeg: [UInt8]) {
        guard let mark = jpeg.indices.first(where: { jpeg[$0...].starts(with: Array("Exif\0\0II*\0".utf8)) }) else {
            return nil
        }
        let data = Array(jpeg[(mark + 6)...])
        let number = { (at: Int, bytes: Int) in
            (0..<bytes).reduce(UInt32(0)) { $0 | UInt32(data[at + $1]) << UInt32(8 * $1) }
        }
        let read = { (offset: UInt32) -> (entries: [UInt16: [UInt32]], next: UInt32) in
            let start = Int(offset)
            let count = Int(number(start, 2))
            var entries: [UInt16: [UInt32]] = [:]
            for entry in 0..<count {
                let at = start + 2 + entry * 12
                let unit = number(at + 2, 2) == 3 ? 2 : 4
                let values = Int(number(at + 4, 4))
                let first = values * unit > 4 ? Int(number(at + 8, 4)) : at + 8
                entries[UInt16(number(at, 2))] = (0..<values).map { number(first + $0 * unit, unit) }
            }
            return (entries, number(start + 2 + count * 12, 4))
        }
        let main = read(number(4, 4))
        picture = main.entries
        if let place = main.entries[0x8769]?.first { exif = read(place).entries }
        if main.next != 0 {
            preview = read(main.next).entries
            if let offset = preview[0x201]?.first, let count = preview[0x202]?.first {
                previewJPEG = Array(data[Int(offset)..<Int(offset + count)])
            }
        }
    }
}
