// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

/// Computes the checksum of a tensor's pieces, and counts their unusual values, while the caller does something else with
/// the same bytes.
///
/// Large pieces are checked by a thread of its own, which starts with the first of them; small ones at once.
final class PieceChecker {
    private let desk = Desk()
    private var thread: Thread?
    private static let leastBytes = 1 << 18

    deinit {
        guard let thread else { return }
        desk.put(.closing)
        thread.join()
    }

    /// Begins to check a piece, which must stay as it is until ``wait()`` returns.
    func begin(_ piece: UnsafeRawBufferPointer, of type: ElementType) {
        if piece.count >= Self.leastBytes, startThread() {
            desk.put(.piece(piece, type))
        } else {
            desk.findings.add(piece, type)
        }
    }

    /// Waits until the piece is checked.
    func wait() {
        if thread != nil { desk.waitUntilEmpty() }
    }

    /// The checksum and the counts of all pieces since the last call.
    func takeFindings() -> (checksum: UInt32, counts: UnusualValues) {
        defer { desk.findings = Findings() }
        return (desk.findings.checksum.value, desk.findings.counts)
    }

    /// Tells whether there is a thread; where the system gives none, the caller checks by itself.
    private func startThread() -> Bool {
        if thread == nil {
            thread = try? Thread { [desk] in desk.work() }
        }
        return thread != nil
    }
}

private struct Findings {
    var checksum = CRC32()
    var counts = UnusualValues()

    mutating func add(_ piece: UnsafeRawBufferPointer, _ type: ElementType) {
        checksum.update(piece)
        counts.count(piece, as: type)
    }
}

/// Where a piece goes from one thread to the other.
private final class Desk: @unchecked Sendable {
    // Sendable holds because the content changes under the monitor alone, and the findings belong to whom the content says:
    // to the thread while there is a piece, to the caller otherwise.
    enum Content {
        case nothing
        case piece(UnsafeRawBufferPointer, ElementType)
        case closing
    }

    var findings = Findings()
    private let monitor = Monitor()
    private var content = Content.nothing

    func put(_ next: Content) {
        monitor.lock()
        content = next
        monitor.wakeAll()
        monitor.unlock()
    }

    func waitUntilEmpty() {
        monitor.lock()
        while case .piece = content { monitor.wait() }
        monitor.unlock()
    }

    /// Checks pieces until the desk closes.
    func work() {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            switch content {
            case .nothing: monitor.wait()
            case .closing: return
            case .piece(let piece, let type):
                monitor.unlock()
                findings.add(piece, type)
                monitor.lock()
                content = .nothing
                monitor.wakeAll()
            }
        }
    }
}
