@_exported import KernelInterface
import KernelsAVX512
import KernelsAVX2
import KernelsPortable
extension KernelTable { public static let selected: KernelTable = KernelsAVX512.makeKernelTable()
public static let available = [KernelsAVX512.makeKernelTable(), KernelsAVX2.makeKernelTable(), KernelsPortable.makeKernelTable()] }
