// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_CZLIB_H
#define CORACLE_CZLIB_H
#include <zlib.h>
#endif
