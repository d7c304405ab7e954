// SPDX-License-Identifier: MIT

import Glibc

extension SystemError {
    /// What a person may do about it; nil where nothing can be told.
    package var advice: String? {
        switch errno {
        case ENOENT, ENOTDIR: "is the path right?"
        case EACCES, EPERM: "may this user do that?"
        case EISDIR: "it is a folder: name a file within it"
        case ENOSPC, EDQUOT: "make room on that disk, or write to another"
        case EFBIG: "a limit of file sizes is in the way: 'ulimit -f' shows it"
        case EROFS: "nothing can be written there: name another place"
        case ENAMETOOLONG: "choose a shorter name"
        case ELOOP: "links lead in a circle there"
        case EMFILE, ENFILE: "too many files are open: 'ulimit -n' raises the limit"
        case ENOMEM, EAGAIN: "memory or processes are short: ask for fewer threads or workers, or raise the limits"
        case EADDRINUSE: "another program listens there; --bind names another address"
        case EADDRNOTAVAIL: "this machine has no such address; --bind names another"
        case ECONNREFUSED: "does a server run there?"
        case EPIPE: "what reads this has ended"
        case EIO: "the disk can't be read or written: look at the system's log"
        default: nil
        }
    }
}
