// SPDX-License-Identifier: MIT

/// What can be wrong with bytes that should be a protobuf message. Offsets count from the outermost message's start.
public enum ProtobufError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end within a field.
    case truncated(offset: Int)
    /// A number of more than ten bytes, or beyond 64 bits.
    case invalidVarint(offset: Int)
    /// A field number of zero or beyond 2^29, a wire type that does not exist, or a group that is not closed.
    case invalidTag(offset: Int)
    /// A field of another type than the message's description says.
    case wrongType(field: Int, expected: String, offset: Int)
    /// Text that is not UTF-8.
    case invalidText(field: Int, offset: Int)
    /// Messages within messages beyond the limit.
    case tooDeep(limit: Int, offset: Int)
    /// More elements, or more bytes, than the reader was told to take.
    case tooMany(field: Int, limit: Int, offset: Int)

    /// One line: what and where.
    public var description: String {
        switch self {
        case .truncated(let offset): "the message ends within a field at byte \(offset)"
        case .invalidVarint(let offset): "the number at byte \(offset) is longer than 64 bits"
        case .invalidTag(let offset): "there is no valid field at byte \(offset)"
        case .wrongType(let field, let expected, let offset):
            "field \(field) at byte \(offset) is not \(expected)"
        case .invalidText(let field, let offset): "the text of field \(field) at byte \(offset) is not UTF-8"
        case .tooDeep(let limit, let offset): "messages are nested more than \(limit) deep at byte \(offset)"
        case .tooMany(let field, let limit, let offset):
            "field \(field) at byte \(offset) has more than \(limit) elements"
        }
    }
}
