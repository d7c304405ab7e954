// SPDX-License-Identifier: MIT

import Glibc

/// How the calling thread's processor does arithmetic on floats.
package struct FloatingPointMode {
    private var environment = fenv_t()

    /// The mode that the calling thread is in.
    package init() {
        fegetenv(&environment)
    }

    /// Sets the calling thread's mode.
    package func set() {
        var environment = environment
        fesetenv(&environment)
    }

    /// The same mode, but numbers below the smallest normal one (1.2e-38) count as zero, read or written: many processors
    /// take far longer for them.
    package var flushingDenormals: FloatingPointMode {
        var mode = self
        #if arch(x86_64)
        mode.environment.__mxcsr |= 0x8040  // flush to zero, denormals are zero
        #elseif arch(arm64)
        mode.environment.__fpcr |= 1 << 24  // FZ
        #endif
        return mode
    }
}
