// SPDX-License-Identifier: MIT
// Types only: the library is opened when a picture first needs it, and nothing of it has to be there for a build. This is
// what its functions return by value; all else they take and give is pointers and numbers.

struct heif_error {
    int code;
    int subcode;
    const char *message;
};
