// SPDX-License-Identifier: MIT
// Linux interfaces that Swift's Glibc module leaves out. System headers only: no code of our own.

// fd_set names its field differently under _GNU_SOURCE, and Swift's Glibc module has it without: it comes first, then the
// C library is asked again what to show.
#include <sys/select.h>
#undef _FEATURES_H
#define _GNU_SOURCE 1
#include <features.h>

#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <sched.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>
