// SPDX-License-Identifier: MIT

import Checkpoints

/// Limits under which a single input stays quick.
private let limits: CheckpointLimits = {
    var limits = CheckpointLimits()
    limits.maxUnpackedBytes = 4 << 20
    limits.maxViewBytes = 4 << 20
    limits.maxOpcodes = 100_000
    limits.maxTensors = 10_000
    return limits
}()

/// Reads the bytes as they are, and as the pickle of a sound archive, whose checksums would otherwise keep the fuzzer out.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCheckpoints(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    read(bytes)
    if bytes.first == 0x80, !bytes.starts(with: [0x80, 0x02, 0x8A]) { read(StoredZip.archive(pickle: bytes)) }
    return 0
}

private func read(_ bytes: [UInt8]) {
    guard let checkpoint = try? Checkpoint.read(bytes, limits: limits) else { return }
    // Whatever is accepted must be readable to its last byte.
    var sum: UInt8 = 0
    for entry in checkpoint.stateDict.entries {
        entry.tensor.withUnsafeBytes { for byte in $0 { sum &+= byte } }
    }
    guard sum == 0 || !checkpoint.stateDict.names.isEmpty else { fatalError("weights without names") }
}
