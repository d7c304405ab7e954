// SPDX-License-Identifier: MIT

/// A Python object that a pickle names and that PyTorch's own safe loader would refuse.
public struct ForeignGlobal: Sendable, Equatable {
    /// How much harm the name can do in a loader that imports it. Here it does none: nothing is imported.
    public enum Rating: String, Sendable {
        /// It runs commands or code, or reaches what does.
        case dangerous
        /// Not known to be harmless.
        case unknown
    }

    /// Module and name, joined by a dot.
    public let name: String
    /// How a scanner would rate it.
    public let rating: Rating
}

extension PickleGraph {
    /// The names outside of the safe loader's list, sorted, each once.
    func foreignGlobals() -> [ForeignGlobal] {
        var found: Set<PickleGlobal> = []
        for node in nodes {
            if case .global(let global) = node, !global.isExpected { found.insert(global) }
        }
        return found.map { ForeignGlobal(name: $0.description, rating: $0.isDangerous ? .dangerous : .unknown) }
            .sorted { $0.name < $1.name }
    }
}

extension PickleGlobal {
    /// A name that `torch.load(weights_only=True)` permits.
    fileprivate var isExpected: Bool {
        if TorchType.held(byStorageClass: self) != nil || TorchType(dtype: self) != nil { return true }
        switch module {
        case "torch._utils": return name.hasPrefix("_rebuild_")
        case "torch":
            return Self.torchNames.contains(name) || name.hasPrefix("per_tensor_") || name.hasPrefix("per_channel_")
        case "collections": return name == "OrderedDict" || name == "Counter"
        case "torch.nn.parameter": return name == "Parameter"
        case "torch._tensor": return name == "_rebuild_from_type_v2"
        case "torch.serialization": return name == "_get_layout"
        case "torch.storage": return name == "_load_from_bytes" || name == "TypedStorage"
        case "_codecs": return name == "encode"
        case "builtins", "__builtin__": return ["set", "bytearray", "complex"].contains(name)
        default: return module.hasPrefix("__torch__")
        }
    }

    private static let torchNames: Set<String> = ["Size", "Tensor", "device", "FloatTensor", "strided"]

    /// Modules and functions that run code, reach the system, or lead to either.
    fileprivate var isDangerous: Bool {
        if module == "types", name == "SimpleNamespace" { return false }
        let root = String(module.prefix { $0 != "." })
        if Self.dangerousModules.contains(root) { return true }
        return (module == "builtins" || module == "__builtin__") && Self.dangerousBuiltins.contains(name)
    }

    private static let dangerousModules: Set<String> = [
        "os", "posix", "nt", "sys", "subprocess", "pty", "socket", "shutil", "runpy", "importlib", "imp", "pickle",
        "_pickle",
        "cloudpickle", "dill", "operator", "functools", "ctypes", "code", "codeop", "commands", "webbrowser", "urllib",
        "requests", "http", "httplib", "aiohttp", "asyncio", "bdb", "pdb", "timeit", "types", "marshal", "tempfile",
        "signal",
        "multiprocessing", "threading", "copyreg extension",
    ]
    private static let dangerousBuiltins: Set<String> = [
        "eval", "exec", "execfile", "compile", "open", "file", "input", "getattr", "setattr", "delattr", "__import__",
        "apply",
        "globals", "locals", "vars", "breakpoint", "map", "filter", "help",
    ]
}
