// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_CUNITSPAWN_H
#define CORACLE_CUNITSPAWN_H

#include <stddef.h>
#include <sys/types.h>

/// What to execute and how.
struct unit_spawn_request {
  /// Program file, absolute.
  const char *path;
  /// Words, the first is what the program is called; ends in NULL.
  char *const *argv;
  /// NAME=VALUE; ends in NULL.
  char *const *envp;
  /// Working directory; NULL stays in "/".
  const char *directory;
  /// Whether a missing working directory is passed over.
  int directory_optional;
  /// Whether to change user, group and groups.
  int changes_user;
  uid_t uid;
  gid_t gid;
  const gid_t *groups;
  size_t group_count;
  mode_t umask;
  /// File descriptors for standard input, output and error.
  int stdin_fd;
  int stdout_fd;
  int stderr_fd;
  /// Files to write "0" to before executing, which moves the process into control groups; ends in NULL; NULL for none.
  const char *const *cgroup_procs;
};

/// Where it failed, in systemd's exit codes.
enum unit_spawn_step {
  UNIT_SPAWN_DONE = 0,
  UNIT_SPAWN_FORK = 1,
  UNIT_SPAWN_CHDIR = 200,
  UNIT_SPAWN_EXEC = 203,
  UNIT_SPAWN_STDIN = 208,
  UNIT_SPAWN_GROUP = 216,
  UNIT_SPAWN_USER = 217,
  UNIT_SPAWN_CGROUP = 219,
  UNIT_SPAWN_SETSID = 220,
};

/// The outcome of unit_spawn.
struct unit_spawn_result {
  /// The process; 0 when there is none.
  pid_t pid;
  /// Its pidfd (close-on-exec); -1 when there is none.
  int pidfd;
  /// UNIT_SPAWN_DONE, or the step that failed.
  enum unit_spawn_step step;
  /// errno of that step.
  int error;
};

/// Starts a process in a session of its own and returns once its program has been executed or has failed to be.
///
/// The caller's thread stands still meanwhile (vfork); other threads go on. Signals are reset to their defaults and
/// unblocked, all descriptors above 2 are closed.
struct unit_spawn_result unit_spawn(const struct unit_spawn_request *request);

#endif
