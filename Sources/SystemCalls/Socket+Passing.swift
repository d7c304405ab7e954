// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// Descriptors that go from process to process over a message channel.
extension FileDescriptor {
    /// One control message that holds one descriptor: its header, of two words, and the descriptor.
    private static let controlBytes = 24
    private static let controlLength = 20

    /// Sends a message and with it a descriptor, of which the receiver gets a copy.
    ///
    /// - Returns: false if there is no room now.
    /// - Throws: ``SystemError``.
    package func send(_ bytes: UnsafeRawBufferPointer, passing passed: FileDescriptor) throws(SystemError) -> Bool {
        do {
            try withMessage(UnsafeMutableRawBufferPointer(mutating: bytes)) { message, control throws(SystemError) in
                control.storeBytes(of: Self.controlLength, toByteOffset: 0, as: Int.self)
                control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
                control.storeBytes(of: Int32(SCM_RIGHTS), toByteOffset: 12, as: Int32.self)
                control.storeBytes(of: passed.rawValue, toByteOffset: 16, as: Int32.self)
                try retryingInterrupts("sendmsg") { sendmsg(rawValue, &message, Int32(MSG_NOSIGNAL)) }
            }
            return true
        } catch  where error.errno == EAGAIN {
            return false
        }
    }

    /// Receives a message, and the descriptor that came with it, if one did.
    ///
    /// - Returns: The number of bytes; 0 when the peer sends no more; nil if nothing has come yet.
    /// - Throws: ``SystemError``.
    package func receiveMessage(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> (count: Int, passed: FileDescriptor?)? {
        var passed: FileDescriptor?
        do {
            var count = 0
            try withMessage(buffer) { message, control throws(SystemError) in
                count = try retryingInterrupts("recvmsg") {
                    recvmsg(rawValue, &message, Int32(MSG_CMSG_CLOEXEC))
                }
                guard message.msg_controllen >= Self.controlLength,
                    control.load(fromByteOffset: 8, as: Int32.self) == SOL_SOCKET,
                    control.load(fromByteOffset: 12, as: Int32.self) == Int32(SCM_RIGHTS)
                else { return }
                passed = FileDescriptor(owning: control.load(fromByteOffset: 16, as: Int32.self))
            }
            return (count, passed)
        } catch  where error.errno == EAGAIN {
            return nil
        }
    }

    private func withMessage(
        _ bytes: UnsafeMutableRawBufferPointer,
        _ body: (inout msghdr, UnsafeMutableRawBufferPointer) throws(SystemError) -> Void
    ) throws(SystemError) {
        var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
        var control: (UInt64, UInt64, UInt64) = (0, 0, 0)
        try withUnsafeMutablePointer(to: &part) { part throws(SystemError) in
            try withUnsafeMutableBytes(of: &control) { control throws(SystemError) in
                var message = msghdr()
                message.msg_iov = part
                message.msg_iovlen = 1
                message.msg_control = control.baseAddress
                message.msg_controllen = Self.controlBytes
                try body(&message, control)
            }
        }
    }
}
