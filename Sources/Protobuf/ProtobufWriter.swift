// SPDX-License-Identifier: MIT

/// Writes a message's fields one behind the other. What a message leaves out because it has its default, its author leaves out.
///
/// - Source: protobuf.dev, "Encoding".
public struct ProtobufWriter: Sendable {
    /// The message so far.
    public private(set) var bytes: [UInt8] = []

    /// An empty message.
    public init() {}

    /// uint64, uint32, bool, enum.
    public mutating func write(_ number: Int, uint64 value: UInt64) {
        tag(number, 0)
        varint(value)
    }

    /// int64, int32, enum: negative ones take ten bytes.
    public mutating func write(_ number: Int, int64 value: Int) {
        write(number, uint64: UInt64(bitPattern: Int64(value)))
    }

    /// bool.
    public mutating func write(_ number: Int, bool value: Bool) { write(number, uint64: value ? 1 : 0) }

    /// float.
    public mutating func write(_ number: Int, float value: Float) {
        tag(number, 5)
        fixed(value.bitPattern)
    }

    /// double.
    public mutating func write(_ number: Int, double value: Double) {
        tag(number, 1)
        fixed(value.bitPattern)
    }

    /// string.
    public mutating func write(_ number: Int, string value: String) { write(number, bytes: value.utf8) }

    /// bytes, or a message that is written already.
    public mutating func write(_ number: Int, bytes value: some Collection<UInt8>) {
        tag(number, 2)
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// A message within this one.
    public mutating func write(_ number: Int, message body: (inout ProtobufWriter) throws -> Void) rethrows {
        var inner = ProtobufWriter()
        try body(&inner)
        write(number, bytes: inner.bytes)
    }

    /// Repeated int64, packed.
    public mutating func write(_ number: Int, packed values: some Sequence<Int>) {
        var inner = ProtobufWriter()
        for value in values { inner.varint(UInt64(bitPattern: Int64(value))) }
        write(number, bytes: inner.bytes)
    }

    /// Repeated float, packed.
    public mutating func write(_ number: Int, packed values: some Collection<Float>) {
        tag(number, 2)
        varint(UInt64(values.count * 4))
        bytes.reserveCapacity(bytes.count + values.count * 4)
        for value in values { fixed(value.bitPattern) }
    }

    private mutating func tag(_ number: Int, _ wireType: UInt64) {
        precondition((1..<(1 << 29)).contains(number), "there is no field \(number)")
        varint(UInt64(number) << 3 | wireType)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func fixed(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
