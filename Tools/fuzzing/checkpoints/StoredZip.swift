// SPDX-License-Identifier: MIT

/// A minimal zip archive of stored entries with right checksums.
enum StoredZip {
    /// A PyTorch archive around `pickle`, with four storages of 64 bytes.
    static func archive(pickle: [UInt8]) -> [UInt8] {
        let storage = (0..<64).map { UInt8($0) }
        var entries: [(String, [UInt8])] = [("a/data.pkl", pickle), ("a/version", Array("3\n".utf8))]
        for key in 0..<4 { entries.append(("a/data/\(key)", storage)) }
        return archive(entries)
    }

    private static func archive(_ entries: [(name: String, data: [UInt8])]) -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, data) in entries {
            let offset = file.count
            let fields =
                bytes(UInt32(0)) + bytes(crc32(data)) + bytes(UInt32(data.count)) + bytes(UInt32(data.count))
                + bytes(UInt16(name.utf8.count)) + bytes(UInt16(0))
            let common = bytes(UInt16(20)) + bytes(UInt16(0)) + bytes(UInt16(0)) + fields
            file += bytes(UInt32(0x0403_4B50)) + common + Array(name.utf8) + data
            directory += bytes(UInt32(0x0201_4B50)) + bytes(UInt16(20)) + common
            directory +=
                bytes(UInt16(0)) + bytes(UInt16(0)) + bytes(UInt16(0)) + bytes(UInt32(0)) + bytes(UInt32(offset))
            directory += Array(name.utf8)
        }
        let start = UInt32(file.count)
        file += directory
        file +=
            bytes(UInt32(0x0605_4B50)) + bytes(UInt32(0)) + bytes(UInt16(entries.count)) + bytes(UInt16(entries.count))
        return file + bytes(UInt32(directory.count)) + bytes(start) + bytes(UInt16(0))
    }

    private static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }

    private static func crc32(_ data: [UInt8]) -> UInt32 {
        ~data.reduce(~UInt32(0)) { crc, byte in (crc >> 8) ^ table[Int((crc ^ UInt32(byte)) & 0xFF)] }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
    }
}
