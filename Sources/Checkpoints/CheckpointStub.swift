import Tensors
public struct Checkpoint { public let stateDict: StateDict; public static func open(path: String) throws -> Checkpoint { preconditionFailure() } }
