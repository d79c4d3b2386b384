// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CUnitSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

static void reset_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  for (int number = 1; number < NSIG; number++) {
    // As systemd does by default (IgnoreSIGPIPE=yes).
    action.sa_handler = number == SIGPIPE ? SIG_IGN : SIG_DFL;
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

static void change_user(const struct unit_spawn_request *request, volatile struct unit_spawn_result *result) {
  if (syscall(SYS_setgroups, request->group_count, request->groups) != 0) give_up(result, UNIT_SPAWN_GROUP);
  if (syscall(SYS_setresgid, request->gid, request->gid, request->gid) != 0) give_up(result, UNIT_SPAWN_GROUP);
  if (syscall(SYS_setresuid, request->uid, request->uid, request->uid) != 0) give_up(result, UNIT_SPAWN_USER);
}

/// Only the child knows its own id before it executes its program.
static void write_own_pid(char *const *envp) {
  static const char name[] = "WATCHDOG_PID=";
  for (; *envp; envp++) {
    if (strncmp(*envp, name, sizeof name - 1) != 0) continue;
    char digits[10];
    int count = 0;
    for (pid_t left = getpid(); left > 0 && count < 10; left /= 10) digits[count++] = (char)('0' + left % 10);
    char *value = *envp + sizeof name - 1;
    while (count > 0) *value++ = digits[--count];
    *value = 0;
    return;
  }
}

static void become(const struct unit_spawn_request *request, volatile struct unit_spawn_result *result) {
  reset_signals();
  if (setsid() < 0) give_up(result, UNIT_SPAWN_SETSID);
  for (const char *const *procs = request->cgroup_procs; procs && *procs; procs++) {
    if (enter_cgroup(*procs) != 0) give_up(result, UNIT_SPAWN_CGROUP);
  }
  if (dup2(request->stdin_fd, 0) < 0 || dup2(request->stdout_fd, 1) < 0 || dup2(request->stderr_fd, 2) < 0)
    give_up(result, UNIT_SPAWN_STDIN);
  if (syscall(SYS_close_range, 3, ~0U, 0) != 0) {
    for (int number = 3; number < 65536; number++) close(number);
  }
  umask(request->umask);
  if (request->open_files_limit > 0) limit_open_files(request->open_files_limit);
  if (request->changes_user) change_user(request, result);
  const char *directory = request->directory ? request->directory : "/";
  if (chdir(directory) != 0 && !(request->directory_optional && errno == ENOENT)) give_up(result, UNIT_SPAWN_CHDIR);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  write_own_pid(request->envp);
  execve(request->path, request->argv, request->envp);
  // A script without its "#!" line is the shell's, as execvp(3) has it; systemd refuses it, and so do we.
  give_up(result, UNIT_SPAWN_EXEC);
}

struct unit_spawn_result unit_spawn(const struct unit_spawn_request *request) {
  volatile struct unit_spawn_result result = {.pid = 0, .pidfd = -1, .step = UNIT_SPAWN_DONE, .error = 0};
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
      .pid = result.pid, .pidfd = result.pidfd, .step = result.step, .error = result.error};
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

int unit_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int unit_child_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int unit_wake_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
