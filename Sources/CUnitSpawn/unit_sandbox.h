// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_UNIT_SANDBOX_H
#define CORACLE_UNIT_SANDBOX_H

#include "CUnitSpawn.h"

// All of these run in the child of a vfork and only make system calls.

/// Goes into new namespaces and makes the mounts; -1 with errno, and the mount that failed, counted from 1.
int unit_enter_namespaces(const struct unit_spawn_request *request, int *mount);

/// Gives up for good every capability that is not among these; -1 with errno.
int unit_bound_capabilities(unsigned long long kept);

/// Makes capabilities survive the execution of a program without privileges of its own; -1 with errno.
int unit_raise_capabilities(unsigned long long raised);

#endif
