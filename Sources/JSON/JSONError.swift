// SPDX-License-Identifier: MIT

import Text

/// Text that is not the JSON that was expected.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Equatable, Sendable {
        /// The text ends too early.
        case truncated
        /// Something else should stand here.
        case expected(String)
        /// A string with a bad escape, a control character or bytes that are not UTF-8.
        case malformedString
        /// No number as JSON writes them.
        case malformedNumber
        /// Arrays and objects nested deeper than the limit.
        case tooDeep(limit: Int)
        /// More numbers or members than the limit.
        case tooMany(limit: Int)
        /// A number that a Float, or the type it is read as, can't hold.
        case outOfRange
        /// A name that its object holds twice, as it may be shown.
        case duplicateKey(String)
        /// Arrays of different lengths, or numbers at different depths, in one tensor.
        case ragged
    }

    /// What is wrong.
    public let problem: Problem
    /// Where: the number of bytes before it.
    public let offset: Int

    /// An error at an offset.
    public init(problem: Problem, offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    /// A sentence for the client.
    public var description: String { "JSON at byte \(offset): \(problem)" }
}

extension JSONError.Problem: CustomStringConvertible {
    /// A phrase.
    public var description: String {
        switch self {
        case .truncated: "the text ends too early"
        case .expected(let what): "expected \(what)"
        case .malformedString: "malformed string"
        case .malformedNumber: "malformed number"
        case .outOfRange: "a number beyond the largest that can be held"
        case .tooDeep(let limit): "nested deeper than \(limit) levels"
        case .tooMany(let limit): "more than \(limit) elements"
        case .duplicateKey(let key): "the key '\(key)' appears twice"
        case .ragged: "the nested arrays have different lengths"
        }
    }
}
