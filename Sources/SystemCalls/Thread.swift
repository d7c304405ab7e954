// SPDX-License-Identifier: MIT

import Glibc

/// A thread of the operating system that runs one function. Join it, or detach it, before it goes out of use.
package final class Thread: @unchecked Sendable {
    // Sendable holds because the handle is written once, before the object is shared.
    private var handle = pthread_t()

    /// Starts a thread. Signals go to the threads that were there before: it blocks them all.
    ///
    /// - Parameters:
    ///   - stackBytes: Size of its stack.
    /// - Throws: ``SystemError`` if the system gives no more threads.
    package init(stackBytes: Int = 1 << 20, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let box = Unmanaged.passRetained(Body(run: body))
        let code = pthread_create(
            &handle, &attributes,
            { pointer in
                if let pointer { Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        if code != 0 {
            box.release()
            throw SystemError(call: "pthread_create", errno: code)
        }
    }

    /// Lets the thread go: nobody waits for it.
    package func detach() { pthread_detach(handle) }

    /// Waits until the thread's function has returned.
    package func join() {
        pthread_join(handle, nil)
    }

    private final class Body {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }
}

/// A lock with a condition to wait for.
package final class Monitor: @unchecked Sendable {
    // Sendable because that is what it is for.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Makes an unlocked monitor.
    package init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Takes the lock.
    package func lock() { pthread_mutex_lock(mutex) }

    /// Gives the lock back.
    package func unlock() { pthread_mutex_unlock(mutex) }

    /// Calls `body` with the lock taken.
    package func withLock<Value>(_ body: () throws -> Value) rethrows -> Value {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Gives the lock back, sleeps until woken (or for no reason), and takes it again.
    package func wait() { pthread_cond_wait(condition, mutex) }

    /// Wakes all that wait.
    package func wakeAll() { pthread_cond_broadcast(condition) }
}
