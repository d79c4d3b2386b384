// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_CSQLITE_H
#define CORACLE_CSQLITE_H
#include <sqlite3.h>
#endif
