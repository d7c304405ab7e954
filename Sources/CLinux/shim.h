// SPDX-License-Identifier: MIT
// Linux interfaces that Swift's Glibc module leaves out. System headers only: no code of our own.
#define _GNU_SOURCE 1
#include <linux/futex.h>
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
#include <unistd.h>
