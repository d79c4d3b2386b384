// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_CLIBSSH2_H
#define CORACLE_CLIBSSH2_H
#include <libssh2.h>
#include <sys/types.h>

/// Takes or gives bytes for a session in place of its socket; a negative errno when it cannot.
typedef ssize_t (*coracle_ssh_send)(
    libssh2_socket_t socket, const void *bytes, size_t count, int flags, void **abstract);
typedef ssize_t (*coracle_ssh_receive)(libssh2_socket_t socket, void *bytes, size_t count, int flags, void **abstract);

/// Makes a session send and receive through functions of ours. The library's own call takes any pointer for them.
static inline void coracle_ssh_set_transport(
    LIBSSH2_SESSION *session, coracle_ssh_send send, coracle_ssh_receive receive) {
#if LIBSSH2_VERSION_NUM >= 0x010b01
  libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_SEND, (libssh2_cb_generic *)send);
  libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_RECV, (libssh2_cb_generic *)receive);
#else
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)send);
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)receive);
#endif
}
#endif
