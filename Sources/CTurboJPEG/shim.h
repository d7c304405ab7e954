// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <turbojpeg.h>
