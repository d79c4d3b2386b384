// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CUnitSpawn.h"
#include "unit_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

// The child shares the parent's memory until it executes its program, so it only makes system calls, and it makes
// those that change identity directly: glibc's own would change every thread of the parent.

/// Ends the child with the step that failed as its exit code; the parent reads the rest from shared memory.
static void give_up(volatile struct unit_spawn_result *result, enum unit_spawn_step step) {
  result->error = errno;
  result->step = step;
  _exit(step);
}

static void reset_signals(int ignores_sigpipe) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  for (int number = 1; number < NSIG; number++) {
    action.sa_handler = number == SIGPIPE && ignores_sigpipe ? SIG_IGN : SIG_DFL;
    sigaction(number, &action, NULL);
  }
}

static int enter_cgroup(const char *procs) {
  int file = open(procs, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t written = write(file, "0", 1);
  close(file);
  return written == 1 ? 0 : -1;
}

/// The owner of many units needs many descriptors; a unit gets what it would have without that.
static void limit_open_files(unsigned long soft) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = soft;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// A limit that this process may not raise is raised as far as it may, as systemd does.
static int set_limit(const struct unit_spawn_limit *wanted) {
  struct rlimit limit = {.rlim_cur = (rlim_t)wanted->soft, .rlim_max = (rlim_t)wanted->hard};
  if (setrlimit((__rlimit_resource_t)wanted->resource, &limit) == 0) return 0;
  struct rlimit now;
  if (errno != EPERM || getrlimit((__rlimit_resource_t)wanted->resource, &now) != 0) return -1;
  if (limit.rlim_cur > now.rlim_max) limit.rlim_cur = now.rlim_max;
  if (limit.rlim_max > now.rlim_max) limit.rlim_max = now.rlim_max;
  return setrlimit((__rlimit_resource_t)wanted->resource, &limit);
}

static int write_text(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t written = write(file, text, strlen(text));
  int error = errno;
  close(file);
  errno = error;
  return written < 0 ? -1 : 0;
}

/// What the kernel's schedulers and its memory killer know of the process.
static void set_priorities(const struct unit_spawn_request *request, volatile struct unit_spawn_result *result) {
  // Only a privileged process may lower its score; a unit is started without that, as systemd does.
  if (request->oom_score_adjustment && write_text("/proc/self/oom_score_adj", request->oom_score_adjustment) != 0 &&
      errno != EPERM && errno != EACCES)
    give_up(result, UNIT_SPAWN_OOM_ADJUST);
  if (request->has_nice && setpriority(PRIO_PROCESS, 0, request->nice) != 0) give_up(result, UNIT_SPAWN_NICE);
  if (request->has_scheduler) {
    struct sched_param parameter = {.sched_priority = request->scheduler_priority};
    if (sched_setscheduler(0, request->scheduler_policy, &parameter) != 0) give_up(result, UNIT_SPAWN_SETSCHEDULER);
  }
  // 1 stands for IOPRIO_WHO_PROCESS.
  if (request->io_priority != 0 && syscall(SYS_ioprio_set, 1, 0, request->io_priority) != 0)
    give_up(result, UNIT_SPAWN_IOPRIO);
  if (request->processors &&
      sched_setaffinity(0, request->processors_size, (const cpu_set_t *)request->processors) != 0)
    give_up(result, UNIT_SPAWN_CPUAFFINITY);
}

static void change_user(const struct unit_spawn_request *request, volatile struct unit_spawn_result *result) {
  if (syscall(SYS_setgroups, request->group_count, request->groups) != 0) give_up(result, UNIT_SPAWN_GROUP);
  if (syscall(SYS_setresgid, request->gid, request->gid, request->gid) != 0) give_up(result, UNIT_SPAWN_GROUP);
  if (syscall(SYS_setresuid, request->uid, request->uid, request->uid) != 0) give_up(result, UNIT_SPAWN_USER);
}

/// Only the child knows its own id before it executes its program.
static void write_number(char *place, int number) {
  char digits[11];
  int count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  for (int index = 0; index < count; index++) place[index] = digits[count - 1 - index];
  place[count] = 0;
}

/// Puts what is passed at 3 and above.
static int pass_descriptors(const struct unit_spawn_request *request) {
  int first = 3, count = (int)request->passed_count;
  // Out of the way before: one may have the number that another one gets.
  for (int index = 0; index < count; index++) {
    int moved = fcntl(request->passed_fds[index], F_DUPFD, first + count);
    if (moved < 0) return -1;
    request->passed_fds[index] = moved;
  }
  for (int index = 0; index < count; index++) {
    if (dup2(request->passed_fds[index], first + index) < 0) return -1;
  }
  return 0;
}

static void become(const struct unit_spawn_request *request, volatile struct unit_spawn_result *result) {
  reset_signals(request->ignores_sigpipe);
  for (char *const *place = request->process_id_places; place && *place; place++) write_number(*place, getpid());
  if (setsid() < 0) give_up(result, UNIT_SPAWN_SETSID);
  set_priorities(request, result);
  for (const char *const *procs = request->cgroup_procs; procs && *procs; procs++) {
    if (enter_cgroup(*procs) != 0) give_up(result, UNIT_SPAWN_CGROUP);
  }
  if (dup2(request->stdin_fd, 0) < 0 || dup2(request->stdout_fd, 1) < 0 || dup2(request->stderr_fd, 2) < 0)
    give_up(result, UNIT_SPAWN_STDIN);
  if (pass_descriptors(request) != 0) give_up(result, UNIT_SPAWN_FDS);
  int rest = 3 + (int)request->passed_count;
  if (syscall(SYS_close_range, rest, ~0U, 0) != 0) {
    for (int number = rest; number < 65536; number++) close(number);
  }
  umask(request->umask);
  if (request->open_files_limit > 0) limit_open_files(request->open_files_limit);
  for (size_t index = 0; index < request->limit_count; index++) {
    if (set_limit(&request->limits[index]) != 0) give_up(result, UNIT_SPAWN_LIMITS);
  }
  if (request->namespaces != 0) {
    int mount = 0;
    if (unit_enter_namespaces(request, &mount) != 0) {
      result->mount = mount;
      give_up(result, UNIT_SPAWN_NAMESPACE);
    }
  }
  int keeps_capabilities = request->ambient_capabilities != 0;
  if (keeps_capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) give_up(result, UNIT_SPAWN_CAPABILITIES);
  if (request->drops_capabilities && unit_bound_capabilities(request->capabilities) != 0)
    give_up(result, UNIT_SPAWN_CAPABILITIES);
  if (request->changes_user) change_user(request, result);
  if (keeps_capabilities && unit_raise_capabilities(request->ambient_capabilities) != 0)
    give_up(result, UNIT_SPAWN_CAPABILITIES);
  if (request->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    give_up(result, UNIT_SPAWN_NO_NEW_PRIVILEGES);
  const char *directory = request->directory ? request->directory : "/";
  if (chdir(directory) != 0) {
    if (!request->directory_optional || errno != ENOENT || chdir("/") != 0) give_up(result, UNIT_SPAWN_CHDIR);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(request->path, request->argv, request->envp);
  // A script without its "#!" line is the shell's, as execvp(3) has it; systemd refuses it, and so do we.
  give_up(result, UNIT_SPAWN_EXEC);
}

struct unit_spawn_result unit_spawn(const struct unit_spawn_request *request) {
  volatile struct unit_spawn_result result = {.pid = 0, .pidfd = -1, .step = UNIT_SPAWN_DONE, .error = 0, .mount = 0};
  sigset_t all, old;
  int cancel;
  sigfillset(&all);
  // No handler of the parent may run in the child, which has the parent's memory.
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
  pid_t pid = vfork();
  if (pid == 0) become(request, &result);
  int error = errno;
  pthread_setcancelstate(cancel, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (pid < 0) {
    result.step = UNIT_SPAWN_FORK;
    result.error = error;
  } else if (result.step != UNIT_SPAWN_DONE) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
  } else {
    result.pid = pid;
    result.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  }
  return (struct unit_spawn_result){
      .pid = result.pid, .pidfd = result.pidfd, .step = result.step, .error = result.error, .mount = result.mount};
}

int unit_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int unit_pidfd_signal(int pidfd, int signal) { return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0); }

int unit_reap(pid_t pid, int *code, int *status) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) != 0) return -errno;
  if (info.si_pid == 0) return 0;
  *code = info.si_code;
  *status = info.si_status;
  return (int)info.si_pid;
}

int unit_reap_any(int *code, int *status) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return 0;
  *code = info.si_code;
  *status = info.si_status;
  return (int)info.si_pid;
}

pid_t unit_background(void) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  setsid();
  unit_inherit_orphans();
  int null = open("/dev/null", O_RDWR);
  if (null >= 0) {
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    if (null > 2) close(null);
  }
  return 0;
}

int unit_inherit_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int unit_tell_senders(int socket) {
  int on = 1;
  return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

int unit_socket_peer(int socket, pid_t *process, uid_t *user) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
  *process = credentials.pid;
  *user = credentials.uid;
  return 0;
}

static void close_received(struct cmsghdr *header) {
  size_t size = header->cmsg_len - CMSG_LEN(0);
  for (size_t offset = 0; offset + sizeof(int) <= size; offset += sizeof(int)) {
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header) + offset, sizeof descriptor);
    close(descriptor);
  }
}

ssize_t unit_receive_notification(int socket, void *buffer, size_t size, pid_t *sender) {
  struct iovec vector = {.iov_base = buffer, .iov_len = size};
  // Room for as many descriptors as the kernel passes at once, so that none is left open unseen.
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(253 * sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *sender = 0;
  ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
  if (length < 0) return -1;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS) close_received(header);
    if (header->cmsg_type == SCM_CREDENTIALS) {
      struct ucred credentials;
      memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
      *sender = credentials.pid;
    }
  }
  return length;
}

int unit_memory_file(const void *bytes, size_t count) {
  int file = memfd_create("unit-input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) return -1;
  size_t done = 0;
  while (done < count) {
    ssize_t written = write(file, (const char *)bytes + done, count - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      close(file);
      return -1;
    }
    done += (size_t)written;
  }
  lseek(file, 0, SEEK_SET);
  fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  return file;
}

int unit_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int unit_child_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int unit_wake_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// Fires only when the clock is set: its time is never reached.
static int arm_clock_watch(int watch) {
  struct itimerspec never = {.it_value = {.tv_sec = LONG_MAX / 1000000000}};
  return timerfd_settime(watch, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

int unit_clock_watch(void) {
  int watch = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (watch >= 0 && arm_clock_watch(watch) != 0) {
    close(watch);
    return -1;
  }
  return watch;
}

int unit_clock_was_set(int watch) {
  unsigned long long count;
  if (read(watch, &count, sizeof count) >= 0 || errno != ECANCELED) return 0;
  arm_clock_watch(watch);
  return 1;
}
