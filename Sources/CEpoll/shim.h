// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_CEPOLL_H
#define CORACLE_CEPOLL_H
#include <sys/epoll.h>
#endif
