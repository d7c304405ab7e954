@_exported import KernelInterface
extension KernelTable { public static var selected: KernelTable { preconditionFailure() } }
