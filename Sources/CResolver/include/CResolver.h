// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_CRESOLVER_H
#define CORACLE_CRESOLVER_H

#include <stddef.h>
#include <stdint.h>

/// One SRV record (RFC 2782).
struct resolver_service {
  uint16_t priority;
  uint16_t weight;
  uint16_t port;
  /// The host without dot at the end, NUL-terminated.
  char target[1026];
};

/// What ::resolver_services returns instead of a count.
enum {
  /// The name does not exist or has no such record.
  RESOLVER_NOT_FOUND = -1,
  /// No server answered, or one could not for now.
  RESOLVER_TRY_AGAIN = -2,
  /// The answer makes no sense.
  RESOLVER_BAD_ANSWER = -3,
};

/// Asks the name servers of /etc/resolv.conf for the SRV records of `name`, which is taken as complete.
///
/// Blocks for as long as the resolver waits for its servers. At most `capacity` records are kept.
///
/// @returns How many records were written to `found`, or one of the values above.
int resolver_services(const char *name, struct resolver_service *found, size_t capacity);

#endif
