// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "unit_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The same on all machines that coracle runs on; older headers have not all of them.
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

/// struct mount_attr of the kernel.
struct attributes {
  unsigned long long set, clear, propagation, user_namespace;
};
enum {
  READ_ONLY_ATTRIBUTE = 0x1,
  CLONE_TREE = 0x1,
  EMPTY_SOURCE_PATH = 0x4,
  FOLLOW_TARGET_LINKS = 0x10,
  EMPTY_PATH = 0x1000,
  WHOLE_TREE = 0x8000,
};

/// Makes the mounts of a tree read-only, or writable: of a path, or of a tree that is mounted nowhere yet.
static int set_read_only(int tree, const char *path, int read_only) {
  struct attributes attributes = {0};
  if (read_only) attributes.set = READ_ONLY_ATTRIBUTE;
  else attributes.clear = READ_ONLY_ATTRIBUTE;
  int flags = WHOLE_TREE | (*path ? 0 : EMPTY_PATH);
  return (int)syscall(SYS_mount_setattr, tree, path, flags, &attributes, sizeof attributes);
}

/// A copy of the mounts at a path, mounted nowhere; -1 with errno.
static int copy_tree(const char *path, int whole) {
  return (int)syscall(SYS_open_tree, AT_FDCWD, path, CLONE_TREE | O_CLOEXEC | (whole ? WHOLE_TREE : 0));
}

static int is_directory(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

/// Makes what something is to be mounted on, and the directories above it.
static int make_target(const char *path, int directory) {
  char part[4096];
  size_t length = strlen(path);
  if (length >= sizeof part) {
    errno = ENAMETOOLONG;
    return -1;
  }
  for (size_t index = 1; index <= length; index++) {
    if (path[index] != '/' && path[index] != 0) continue;
    memcpy(part, path, index);
    part[index] = 0;
    int is_last = path[index] == 0;
    if (is_last && !directory) {
      int file = open(part, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
      if (file < 0) return -1;
      close(file);
    } else if (mkdir(part, 0755) != 0 && errno != EEXIST) {
      return -1;
    }
  }
  return 0;
}

static int is_below(const char *path, const char *other) {
  size_t length = strlen(other);
  return strncmp(path, other, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int mounts_other_files(const struct unit_spawn_mount *step) {
  return step->kind == UNIT_SPAWN_BIND_TREE || step->kind == UNIT_SPAWN_BIND || step->kind == UNIT_SPAWN_MEMORY;
}

/// Whether an earlier step decides what is found at a step's target.
static int is_covered(const struct unit_spawn_mount *steps, size_t index) {
  for (size_t other = 0; other < index; other++) {
    if (mounts_other_files(&steps[other]) && is_below(steps[index].target, steps[other].target)) return 1;
  }
  return 0;
}

/// Copies what a step mounts while nothing covers it yet.
static void find_source(struct unit_spawn_mount *steps, size_t index) {
  struct unit_spawn_mount *step = &steps[index];
  step->source_fd = -1;
  step->is_late = 0;
  if (step->kind == UNIT_SPAWN_LINK) return;
  if (step->source) {
    step->source_fd = copy_tree(step->source, step->kind == UNIT_SPAWN_BIND_TREE);
  } else if (step->kind == UNIT_SPAWN_READ_ONLY || step->kind == UNIT_SPAWN_READ_WRITE) {
    step->is_late = is_covered(steps, index);
    if (!step->is_late && strcmp(step->target, "/") != 0) step->source_fd = copy_tree(step->target, 1);
  }
  step->source_error = step->source_fd < 0 ? errno : 0;
  // What is to be mounted on is made while it can be.
  if (!mounts_other_files(step) || (step->source && step->source_fd < 0)) return;
  if (step->kind == UNIT_SPAWN_MEMORY && step->optional) return;
  if (access(step->target, F_OK) != 0) make_target(step->target, !step->source || is_directory(step->source_fd));
}

static int attach(struct unit_spawn_mount *step) {
  if (step->source_fd < 0) {
    errno = step->source_error;
    return -1;
  }
  if (mounts_other_files(step) && access(step->target, F_OK) != 0 &&
      make_target(step->target, is_directory(step->source_fd)) != 0)
    return -1;
  if (step->read_only && set_read_only(step->source_fd, "", 1) != 0) return -1;
  if (step->is_late && !step->read_only && set_read_only(step->source_fd, "", 0) != 0) return -1;
  return (int)syscall(SYS_move_mount, step->source_fd, "", AT_FDCWD, step->target,
                      EMPTY_SOURCE_PATH | FOLLOW_TARGET_LINKS);
}

static int close_off(struct unit_spawn_mount *step) {
  int target = open(step->target, O_PATH | O_CLOEXEC);
  if (target < 0) return -1;
  int directory = is_directory(target);
  close(target);
  if (directory)
    return mount("tmpfs", step->target, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=000,nr_inodes=2");
  return attach(step);
}

static int make(struct unit_spawn_mount *step) {
  switch (step->kind) {
  case UNIT_SPAWN_BIND_TREE:
  case UNIT_SPAWN_BIND: return attach(step);
  case UNIT_SPAWN_READ_ONLY:
  case UNIT_SPAWN_READ_WRITE:
    // Nothing can be mounted over the root that would be found there.
    if (strcmp(step->target, "/") == 0) return set_read_only(AT_FDCWD, "/", step->read_only);
    if (step->is_late) {
      step->source_fd = copy_tree(step->target, 1);
      step->source_error = errno;
    }
    return attach(step);
  case UNIT_SPAWN_MEMORY:
    if (!step->optional && access(step->target, F_OK) != 0 && make_target(step->target, 1) != 0) return -1;
    return mount("tmpfs", step->target, "tmpfs", MS_NOSUID | MS_NODEV, step->options);
  case UNIT_SPAWN_INACCESSIBLE: return close_off(step);
  case UNIT_SPAWN_LINK: return symlink(step->source, step->target);
  }
  errno = EINVAL;
  return -1;
}

static int make_mounts(struct unit_spawn_mount *steps, size_t count, int *failed) {
  for (size_t index = 0; index < count; index++) find_source(steps, index);
  for (size_t index = 0; index < count; index++) {
    *failed = (int)index + 1;
    int outcome = make(&steps[index]);
    if (outcome != 0 && !(steps[index].optional && (errno == ENOENT || errno == ENOTDIR))) return -1;
    // What is mounted inside of it needs a place first, so it is closed for writing at the end.
    steps[index].is_late = outcome == 0 && steps[index].kind == UNIT_SPAWN_MEMORY && steps[index].read_only;
    if (steps[index].source_fd >= 0) close(steps[index].source_fd);
  }
  for (size_t index = 0; index < count; index++) {
    *failed = (int)index + 1;
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
    if (steps[index].is_late && mount(NULL, steps[index].target, NULL, flags, NULL) != 0) return -1;
  }
  *failed = 0;
  return 0;
}

/// A network of its own has a loopback device that is down.
static int raise_loopback(void) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, "lo", 3);
  int outcome = ioctl(descriptor, SIOCGIFFLAGS, &request);
  request.ifr_flags |= IFF_UP;
  if (outcome == 0) outcome = ioctl(descriptor, SIOCSIFFLAGS, &request);
  int error = errno;
  close(descriptor);
  errno = error;
  return outcome;
}

int unit_enter_namespaces(const struct unit_spawn_request *request, int *mounted) {
  if (unshare(request->namespaces) != 0) return -1;
  if ((request->namespaces & CLONE_NEWNET) && raise_loopback() != 0) return -1;
  if (!(request->namespaces & CLONE_NEWNS)) return 0;
  // What the machine mounts later appears, what is mounted here stays here.
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) return -1;
  return make_mounts(request->mounts, request->mount_count, mounted);
}

int unit_bound_capabilities(unsigned long long kept) {
  for (unsigned long number = 0; number < 64; number++) {
    if (kept >> number & 1) continue;
    // The kernel knows fewer than 64.
    if (prctl(PR_CAPBSET_READ, number, 0, 0, 0) < 0) break;
    if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return -1;
  }
  return 0;
}

int unit_raise_capabilities(unsigned long long raised) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return -1;
  for (int half = 0; half < 2; half++) {
    unsigned int wanted = (unsigned int)(raised >> (32 * half)) & data[half].permitted;
    data[half].inheritable |= wanted;
    data[half].effective |= wanted;
  }
  if (syscall(SYS_capset, &header, data) != 0) return -1;
  for (unsigned long number = 0; number < 64; number++) {
    if (!(raised >> number & 1)) continue;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) return -1;
  }
  return 0;
}
