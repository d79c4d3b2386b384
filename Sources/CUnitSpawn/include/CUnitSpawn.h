// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_CUNITSPAWN_H
#define CORACLE_CUNITSPAWN_H

#include <stddef.h>
#include <sys/types.h>

/// A limit of one process, as setrlimit(2) has it.
struct unit_spawn_limit {
  int resource;
  unsigned long long soft;
  unsigned long long hard;
};

/// What a step towards a sandbox does; the numbers are those of MountStep.Kind.
enum unit_spawn_mount_kind {
  UNIT_SPAWN_BIND_TREE = 1,
  UNIT_SPAWN_BIND = 2,
  UNIT_SPAWN_READ_ONLY = 3,
  UNIT_SPAWN_READ_WRITE = 4,
  UNIT_SPAWN_MEMORY = 5,
  UNIT_SPAWN_INACCESSIBLE = 6,
  UNIT_SPAWN_LINK = 7,
};

/// One step towards what the process sees of the file system.
struct unit_spawn_mount {
  enum unit_spawn_mount_kind kind;
  /// What is seen; NULL for none.
  const char *source;
  const char *target;
  /// Options of a file system in memory; NULL for none.
  const char *options;
  int read_only;
  /// Whether nothing happens where the source or target is missing.
  int optional;
  /// Used while the steps are made.
  int source_fd;
  int source_error;
  int is_late;
};

/// What to execute and how.
struct unit_spawn_request {
  /// Program file, absolute.
  const char *path;
  /// Words, the first is what the program is called; ends in NULL.
  char *const *argv;
  /// NAME=VALUE; ends in NULL.
  char *const *envp;
  /// Places in envp's texts that the process id is written to, each with room for 11 characters; ends in NULL.
  char *const *process_id_places;
  /// Working directory; NULL stays in "/".
  const char *directory;
  /// Whether a missing working directory is passed over: it is "/" then.
  int directory_optional;
  /// Whether to change user, group and groups.
  int changes_user;
  uid_t uid;
  gid_t gid;
  const gid_t *groups;
  size_t group_count;
  mode_t umask;
  /// Soft limit of open files; 0 keeps the caller's.
  unsigned long open_files_limit;
  /// Whether SIGPIPE is ignored.
  int ignores_sigpipe;
  /// setrlimit(2); what may not be raised is raised as far as it may.
  const struct unit_spawn_limit *limits;
  size_t limit_count;
  /// setpriority(2), where has_nice is set.
  int has_nice;
  int nice;
  /// /proc/self/oom_score_adj as text; NULL leaves it.
  const char *oom_score_adjustment;
  /// sched_setscheduler(2), where has_scheduler is set.
  int has_scheduler;
  int scheduler_policy;
  int scheduler_priority;
  /// ioprio_set(2); 0 leaves it.
  int io_priority;
  /// sched_setaffinity(2): a mask of that many bytes; NULL leaves it.
  const unsigned long *processors;
  size_t processors_size;
  /// Flags of unshare(2): CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS.
  int namespaces;
  /// What is done to the mounts, in order; needs CLONE_NEWNS.
  struct unit_spawn_mount *mounts;
  size_t mount_count;
  /// Capabilities the process may have at most, where drops_capabilities is set.
  int drops_capabilities;
  unsigned long long capabilities;
  /// Capabilities a process of another user keeps.
  unsigned long long ambient_capabilities;
  int no_new_privileges;
  /// File descriptors for standard input, output and error.
  int stdin_fd;
  int stdout_fd;
  int stderr_fd;
  /// What the process has from descriptor 3 on, all above 2; they are written to.
  int *passed_fds;
  size_t passed_count;
  /// Files to write "0" to before executing, which moves the process into control groups; ends in NULL; NULL for none.
  const char *const *cgroup_procs;
};

/// Where it failed, in systemd's exit codes.
enum unit_spawn_step {
  UNIT_SPAWN_DONE = 0,
  UNIT_SPAWN_FORK = 1,
  UNIT_SPAWN_CHDIR = 200,
  UNIT_SPAWN_NICE = 201,
  UNIT_SPAWN_FDS = 202,
  UNIT_SPAWN_EXEC = 203,
  UNIT_SPAWN_LIMITS = 205,
  UNIT_SPAWN_OOM_ADJUST = 206,
  UNIT_SPAWN_STDIN = 208,
  UNIT_SPAWN_STDOUT = 209,
  UNIT_SPAWN_IOPRIO = 211,
  UNIT_SPAWN_SETSCHEDULER = 214,
  UNIT_SPAWN_CPUAFFINITY = 215,
  UNIT_SPAWN_GROUP = 216,
  UNIT_SPAWN_USER = 217,
  UNIT_SPAWN_CAPABILITIES = 218,
  UNIT_SPAWN_CGROUP = 219,
  UNIT_SPAWN_SETSID = 220,
  UNIT_SPAWN_STDERR = 222,
  UNIT_SPAWN_NAMESPACE = 226,
  UNIT_SPAWN_NO_NEW_PRIVILEGES = 227,
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
  /// The mount that failed, counted from 1; 0 when none did.
  int mount;
};

/// Starts a process in a session of its own and returns once its program has been executed or has failed to be.
///
/// The caller's thread stands still meanwhile (vfork); other threads go on. Signals are reset to their defaults and
/// unblocked, all descriptors above 2 are closed but those that are passed.
struct unit_spawn_result unit_spawn(const struct unit_spawn_request *request);

/// A pidfd of a process (close-on-exec), or -1 with errno.
int unit_pidfd_open(pid_t pid);

/// Sends a signal to the process of a pidfd; -1 with errno when it cannot be.
int unit_pidfd_signal(int pidfd, int signal);

/// Collects the end of a child; its pid, 0 while it runs, or a negative errno. `code` is one of CLD_EXITED, CLD_KILLED
/// and CLD_DUMPED, `status` the exit code or signal.
int unit_reap(pid_t pid, int *code, int *status);

/// As unit_reap, of any child that has ended; 0 when there is none.
int unit_reap_any(int *code, int *status);

/// Goes on in a new process that has a session of its own, without standard input and output, and that inherits the
/// orphans among its descendants; 0 there, the new process in the old one, -1 with errno when it cannot be made.
pid_t unit_background(void);

/// Makes this process the parent of the orphans among its descendants; -1 with errno.
int unit_inherit_orphans(void);

/// Makes a socket tell which process each message comes from; -1 with errno.
int unit_tell_senders(int socket);

/// Takes a datagram without waiting; its length in full, which may be more than `size`, or -1 with errno. `sender` is
/// the process it comes from as the kernel knows it, 0 when it does not. Descriptors that come with it are closed.
ssize_t unit_receive_notification(int socket, void *buffer, size_t size, pid_t *sender);

/// Whose process and user is at the other end of a connection on this machine; -1 with errno.
int unit_socket_peer(int socket, pid_t *process, uid_t *user);

/// A file in memory with these bytes, that can only be read, at its beginning (close-on-exec); -1 with errno.
int unit_memory_file(const void *bytes, size_t count);

/// A pipe, both ends close-on-exec; -1 with errno.
int unit_pipe(int ends[2]);

/// A descriptor that is readable when a child has ended; blocks SIGCHLD for the thread; -1 with errno.
int unit_child_signals(void);

/// A descriptor that is readable once the machine's clock has been set (timerfd, close-on-exec, does not block); -1 with
/// errno.
int unit_clock_watch(void);

/// Whether the clock has been set since this was last asked.
int unit_clock_was_set(int watch);

/// A descriptor for waking a thread that waits (eventfd, close-on-exec, does not block); -1 with errno.
int unit_wake_descriptor(void);

#endif
