// SPDX-License-Identifier: Apache-2.0
// The C library's resolver has no SRV records in getaddrinfo, and its interface for them is made of macros and of
// structures that Swift does not see well.
#define _GNU_SOURCE
#include "CResolver.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES = 65535 };

static int read_services(const unsigned char *answer, int length, struct resolver_service *found, size_t capacity) {
  ns_msg message;
  if (ns_initparse(answer, length, &message) != 0) return RESOLVER_BAD_ANSWER;
  size_t count = 0;
  for (int index = 0; index < ns_msg_count(message, ns_s_an) && count < capacity; index++) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, index, &record) != 0) return RESOLVER_BAD_ANSWER;
    if (ns_rr_type(record) != ns_t_srv) continue;
    const unsigned char *data = ns_rr_rdata(record);
    if (ns_rr_rdlen(record) < 7) return RESOLVER_BAD_ANSWER;
    struct resolver_service *service = &found[count];
    service->priority = (uint16_t)ns_get16(data);
    service->weight = (uint16_t)ns_get16(data + 2);
    service->port = (uint16_t)ns_get16(data + 4);
    if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + 6, service->target,
                           sizeof service->target) < 0) {
      return RESOLVER_BAD_ANSWER;
    }
    size_t end = strlen(service->target);
    if (end > 0 && service->target[end - 1] == '.') service->target[end - 1] = '\0';
    // A lone dot says that the service is decidedly not there.
    if (service->target[0] != '\0') count++;
  }
  return count == 0 ? RESOLVER_NOT_FOUND : (int)count;
}

int resolver_services(const char *name, struct resolver_service *found, size_t capacity) {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  if (res_ninit(&state) != 0) return RESOLVER_TRY_AGAIN;
  unsigned char *answer = malloc(ANSWER_BYTES);
  if (answer == NULL) {
    res_nclose(&state);
    return RESOLVER_TRY_AGAIN;
  }
  int length = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, ANSWER_BYTES);
  int failure = state.res_h_errno;
  res_nclose(&state);
  int result;
  if (length > ANSWER_BYTES) {
    result = RESOLVER_BAD_ANSWER;
  } else if (length >= 0) {
    result = read_services(answer, length, found, capacity);
  } else {
    switch (failure) {
    case HOST_NOT_FOUND:
    case NO_DATA: result = RESOLVER_NOT_FOUND; break;
    case NO_RECOVERY: result = RESOLVER_BAD_ANSWER; break;
    default: result = RESOLVER_TRY_AGAIN;
    }
  }
  free(answer);
  return result;
}
