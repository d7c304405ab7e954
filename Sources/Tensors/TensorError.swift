// SPDX-License-Identifier: MIT

/// What can be wrong with tensors that come from outside.
public enum TensorError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidShape([Int])
    case byteCount(shape: Shape, elementType: ElementType, expected: Int, actual: Int)
    case elementCount(shape: Shape, expected: Int, actual: Int)
    case missingTensor(name: String, nearest: String?)
    case shapeMismatch(name: String, expected: Shape, actual: Shape)
    case rankMismatch(name: String, expected: Int, actual: Shape)
    case notFloatingPoint(name: String, elementType: ElementType)
    case notFinite(name: String, count: Int)
    case duplicateName(String)
    case unusedTensors(names: [String], of: Int)

    /// One line: what, where, what was expected.
    public var description: String {
        switch self {
        case .invalidShape(let sizes):
            return "the shape \(sizes) has a negative size or more elements than can be counted"
        case .byteCount(let shape, let elementType, let expected, let actual):
            return "a tensor \(shape) of \(elementType.rawValue) takes \(expected) bytes, but there are \(actual)"
        case .elementCount(let shape, let expected, let actual):
            return "a tensor \(shape) has \(expected) elements, but \(actual) were given"
        case .missingTensor(let name, let nearest):
            let hint = nearest.map { " (the nearest name is '\($0)')" } ?? ""
            return "the weights have no tensor '\(name)'\(hint)"
        case .shapeMismatch(let name, let expected, let actual):
            return "tensor '\(name)' has shape \(actual), expected \(expected)"
        case .rankMismatch(let name, let expected, let actual):
            return "tensor '\(name)' has shape \(actual), expected \(expected) dimensions"
        case .notFloatingPoint(let name, let elementType):
            return "tensor '\(name)' has elements of type \(elementType.rawValue), expected floating-point numbers"
        case .notFinite(let name, let count):
            return
                "tensor '\(name)' has \(count) values that are NaN or infinite; the weights are damaged or training diverged"
        case .duplicateName(let name):
            return "two tensors have the name '\(name)'"
        case .unusedTensors(let names, let count):
            let shown = names.prefix(3).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 3 ? ", ..." : "")
            return
                "no layer reads \(names.count) of the \(count) weights (\(shown)); are they another network's? "
                + "`allowUnused` names those that may be left"
        }
    }
}
