// SPDX-License-Identifier: MIT

import CZlib

/// Builds zip archives, sound ones and such as lie.
struct ZipBuilder {
    /// One entry. What is set in `directory` or `local` contradicts the entry's own bytes.
    struct Entry {
        var name: String
        var data: [UInt8]
        var method: UInt16 = 0
        var flags: UInt16 = 0
        var checksum: UInt32?
        var size: Int?
        var localName: String?
        var localSize: Int?
        var localChecksum: UInt32?
        var attributes: UInt32 = 0
        var nameBytes: [UInt8]?
        /// Where the directory says that the entry begins.
        var headerOffset: Int?
        /// An extra field that the header before the data has, and the directory has not.
        var localExtra: [UInt8] = []
        /// Bytes in front of the entry that belong to none.
        var gap: [UInt8] = []
    }

    var entries: [Entry]
    var comment: [UInt8] = []
    var trailing: [UInt8] = []
    var entryCount: UInt16?

    func build() -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            file += entry.gap
            let offset = file.count
            let checksum = entry.checksum ?? Self.crc32(entry.data)
            let name = entry.nameBytes ?? Array(entry.name.utf8)
            let localName = entry.localName.map { Array($0.utf8) } ?? name
            file += le(0x0403_4B50 as UInt32) + le(20 as UInt16) + le(entry.flags) + le(entry.method) + le(0 as UInt32)
            file += le(entry.localChecksum ?? checksum) + le(UInt32(entry.localSize ?? entry.data.count))
            file += le(UInt32(entry.localSize ?? entry.size ?? entry.data.count))
            file += le(UInt16(localName.count)) + le(UInt16(entry.localExtra.count)) + localName
            file += entry.localExtra + entry.data
            directory +=
                le(0x0201_4B50 as UInt32) + le(20 as UInt16) + le(20 as UInt16) + le(entry.flags) + le(entry.method)
            directory +=
                le(0 as UInt32) + le(checksum) + le(UInt32(entry.data.count))
                + le(UInt32(entry.size ?? entry.data.count))
            directory += le(UInt16(name.count)) + le(0 as UInt16) + le(0 as UInt16) + le(0 as UInt16) + le(0 as UInt16)
            directory += le(entry.attributes) + le(UInt32(entry.headerOffset ?? offset)) + name
        }
        let count = entryCount ?? UInt16(entries.count)
        let start = file.count
        file += directory + le(0x0605_4B50 as UInt32) + le(0 as UInt32) + le(count) + le(count)
        file += le(UInt32(directory.count)) + le(UInt32(start)) + le(UInt16(comment.count)) + comment
        return file + trailing
    }

    static func crc32(_ data: [UInt8]) -> UInt32 { UInt32(CZlib.crc32_z(0, data, data.count)) }
}

/// A PyTorch archive around a pickle.
func torchArchive(pickle: [UInt8], storages: [String: [UInt8]] = ["0": floats([1, 2, 3, 4])]) -> ZipBuilder {
    var entries = [ZipBuilder.Entry(name: "a/data.pkl", data: pickle)]
    entries += storages.sorted { $0.key < $1.key }.map { ZipBuilder.Entry(name: "a/data/\($0.key)", data: $0.value) }
    return ZipBuilder(entries: entries + [ZipBuilder.Entry(name: "a/version", data: Array("3\n".utf8))])
}

func le<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
func floats(_ values: [Float]) -> [UInt8] { values.flatMap { le($0.bitPattern) } }
