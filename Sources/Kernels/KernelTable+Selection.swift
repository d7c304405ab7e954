// SPDX-License-Identifier: MIT

import SystemCalls

extension KernelTable {
    /// The kernels of this process, chosen once: the widest level that the processor has, or the one that the environment
    /// variable `SWIFTNET_ISA` names.
    public static let selection: Result<KernelTable, KernelError> = select(
        named: ProcessEnvironment.value("SWIFTNET_ISA"))

    /// The kernels of all levels that this processor has and the package was built with, widest first.
    public static let available: [KernelTable] = KernelLevel.allCases.reversed().compactMap { level in
        level.isSupported ? level.table : nil
    }

    /// Chooses kernels.
    ///
    /// - Parameters:
    ///   - name: A level to use; nil for the widest there is.
    package static func select(named name: String?) -> Result<KernelTable, KernelError> {
        guard let name else {
            let widest = available.first ?? KernelLevel.portable.table
            guard let widest else { preconditionFailure("the portable kernels are always there") }
            return .success(widest)
        }
        guard let level = KernelLevel(rawValue: name) else { return .failure(.unknownLevel(name)) }
        guard let table = level.table else { return .failure(.levelNotBuilt(level)) }
        return level.isSupported ? .success(table) : .failure(.unsupportedLevel(level))
    }
}
