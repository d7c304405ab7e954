// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// Waits for many descriptors at once.
package final class Epoll: Sendable {
    /// What to wait for, or what happened.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// There is something to read or to accept.
        package static let readable = Interest(rawValue: EPOLLIN.rawValue)
        /// There is room to write.
        package static let writable = Interest(rawValue: EPOLLOUT.rawValue)
        /// The peer sends no more.
        package static let peerFinished = Interest(rawValue: EPOLLRDHUP.rawValue)
        /// The connection is over or broken. Always waited for.
        package static let broken = Interest(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
        /// Of several processes that wait for one listening socket, wake one.
        package static let exclusive = Interest(rawValue: EPOLLEXCLUSIVE.rawValue)
    }

    /// A descriptor at which something happened.
    package struct Event: Sendable {
        /// The number given when the descriptor was added.
        package let token: UInt64
        /// What happened.
        package let happened: Interest
    }

    private let descriptor: FileDescriptor

    /// - Throws: ``SystemError``.
    package init() throws(SystemError) {
        descriptor = FileDescriptor(
            owning: try retryingInterrupts("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
    }

    /// Begins to wait for a descriptor; it is forgotten when it is closed.
    ///
    /// - Throws: ``SystemError``.
    package func add(_ watched: FileDescriptor, token: UInt64, _ interest: Interest) throws(SystemError) {
        try control(EPOLL_CTL_ADD, watched, token, interest)
    }

    /// Changes what a descriptor is waited for.
    ///
    /// - Throws: ``SystemError``.
    package func modify(_ watched: FileDescriptor, token: UInt64, _ interest: Interest) throws(SystemError) {
        try control(EPOLL_CTL_MOD, watched, token, interest)
    }

    /// Stops waiting for a descriptor.
    ///
    /// - Throws: ``SystemError``.
    package func remove(_ watched: FileDescriptor) throws(SystemError) {
        try control(EPOLL_CTL_DEL, watched, 0, [])
    }

    private func control(
        _ operation: Int32, _ watched: FileDescriptor, _ token: UInt64, _ interest: Interest
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = token
        try retryingInterrupts("epoll_ctl") { epoll_ctl(descriptor.rawValue, operation, watched.rawValue, &event) }
    }

    /// Waits.
    ///
    /// - Parameters:
    ///   - events: Overwritten with what happened.
    ///   - timeoutMilliseconds: The longest wait; -1 waits without end.
    /// - Throws: ``SystemError``.
    package func wait(_ events: inout [Event], timeoutMilliseconds: Int32) throws(SystemError) {
        events.removeAll(keepingCapacity: true)
        let capacity = 256
        try withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: capacity) { buffer throws(SystemError) in
            let count = epoll_wait(descriptor.rawValue, buffer.baseAddress, Int32(capacity), timeoutMilliseconds)
            if count < 0 {
                if errno == EINTR { return }
                throw SystemError(call: "epoll_wait")
            }
            for event in buffer[..<Int(count)] {
                events.append(Event(token: event.data.u64, happened: Interest(rawValue: event.events)))
            }
        }
    }
}

/// Wakes a thread that waits in ``Epoll``.
package final class WakeSignal: Sendable {
    /// Becomes readable with ``signal()``.
    package let descriptor: FileDescriptor

    /// - Throws: ``SystemError``.
    package init() throws(SystemError) {
        let flags = Int32(EFD_CLOEXEC | EFD_NONBLOCK)
        descriptor = FileDescriptor(owning: try retryingInterrupts("eventfd") { eventfd(0, flags) })
    }

    /// Wakes the thread; from any thread.
    package func signal() {
        var one: UInt64 = 1
        _ = withUnsafeBytes(of: &one) { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
    }

    /// Makes the descriptor unreadable until the next ``signal()``.
    package func clear() {
        var count: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &count) { Glibc.read(descriptor.rawValue, $0.baseAddress, $0.count) }
    }
}
