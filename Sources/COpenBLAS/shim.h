// SPDX-License-Identifier: MIT
// Types only: the module links nothing, since the library is opened when a network first needs it. Debian has a folder for
// each of OpenBLAS's builds, all with the same header; <cblas.h> alone may be another library's.
#if __has_include(<openblas-pthread/cblas.h>)
#include <openblas-pthread/cblas.h>
#elif __has_include(<openblas/cblas.h>)
#include <openblas/cblas.h>
#else
#include <cblas.h>
#endif
