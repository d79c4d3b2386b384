// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CDiskFaults.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct disk_faults {
  struct disk_faults *next;
  atomic_int write_error;
  atomic_long writes_left;
  atomic_int tears;
  atomic_int sync_error;
  atomic_long syncs_left;
  atomic_int read_error;
  atomic_long reads_left;
  atomic_int sync_delay_milliseconds;
  atomic_long write_count;
  size_t directory_length;
  char directory[];
};

// MARK: Plans

static pthread_mutex_t plans_lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk_faults *plans;

static struct disk_faults *find(const char *path, int is_file) {
  for (struct disk_faults *plan = plans; plan != NULL; plan = plan->next) {
    if (strncmp(path, plan->directory, plan->directory_length) != 0) continue;
    const char next = path[plan->directory_length];
    if (is_file ? next == '/' : next == 0) return plan;
  }
  return NULL;
}

struct disk_faults *disk_faults_of(const char *directory) {
  pthread_mutex_lock(&plans_lock);
  struct disk_faults *plan = find(directory, 0);
  if (plan == NULL) {
    const size_t length = strlen(directory);
    plan = calloc(1, sizeof(struct disk_faults) + length + 1);
    if (plan != NULL) {
      memcpy(plan->directory, directory, length);
      plan->directory_length = length;
      plan->next = plans;
      plans = plan;
    }
  }
  pthread_mutex_unlock(&plans_lock);
  return plan;
}

struct disk_faults *disk_faults_for_file(const char *path) {
  if (path == NULL) return NULL;
  pthread_mutex_lock(&plans_lock);
  struct disk_faults *plan = find(path, 1);
  pthread_mutex_unlock(&plans_lock);
  return plan;
}

void disk_faults_fail_writes(struct disk_faults *faults, int error, long after, int tears) {
  atomic_store(&faults->writes_left, after);
  atomic_store(&faults->tears, tears);
  atomic_store(&faults->write_error, error);
}

void disk_faults_fail_syncs(struct disk_faults *faults, int error, long after) {
  atomic_store(&faults->syncs_left, after);
  atomic_store(&faults->sync_error, error);
}

void disk_faults_fail_reads(struct disk_faults *faults, int error, long after) {
  atomic_store(&faults->reads_left, after);
  atomic_store(&faults->read_error, error);
}

void disk_faults_delay_syncs(struct disk_faults *faults, int milliseconds) {
  atomic_store(&faults->sync_delay_milliseconds, milliseconds);
}

void disk_faults_heal(struct disk_faults *faults) {
  atomic_store(&faults->write_error, 0);
  atomic_store(&faults->sync_error, 0);
  atomic_store(&faults->read_error, 0);
  atomic_store(&faults->sync_delay_milliseconds, 0);
}

long disk_faults_write_count(struct disk_faults *faults) {
  return atomic_load(&faults->write_count);
}

/// The error of one more call: 0 while calls are left that succeed.
static int next_error(atomic_int *error, atomic_long *left) {
  const int wanted = atomic_load(error);
  if (wanted == 0) return 0;
  return atomic_fetch_sub(left, 1) > 0 ? 0 : wanted;
}

// MARK: Environment

int disk_faults_are_in_environment(void) {
  return getenv("CORACLE_TEST_SLOW_SYNC_FILE") != NULL || getenv("CORACLE_TEST_DISK_FAULT_FILE") != NULL;
}

/// Reads the small file that a variable names; whether there was anything.
static int read_setting(const char *variable, char *text, size_t size) {
  text[0] = 0;
  const char *path = getenv(variable);
  if (path == NULL) return 0;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  const ssize_t count = read(descriptor, text, size - 1);
  close(descriptor);
  if (count <= 0) return 0;
  text[count] = 0;
  text[strcspn(text, " \r\n\t")] = 0;
  return text[0] != 0;
}

static int environment_error(int is_sync) {
  char text[32];
  if (!read_setting("CORACLE_TEST_DISK_FAULT_FILE", text, sizeof text)) return 0;
  if (strcmp(text, "full") == 0) return is_sync ? 0 : ENOSPC;
  if (strcmp(text, "eio") == 0) return EIO;
  if (strcmp(text, "eio-sync") == 0) return is_sync ? EIO : 0;
  return 0;
}

static void pause_milliseconds(long milliseconds) {
  if (milliseconds <= 0) return;
  struct timespec rest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
}

// A disk that is healed meanwhile answers at once.
static void pause_as_planned(struct disk_faults *faults) {
  const long step = 5;
  for (long rest = atomic_load(&faults->sync_delay_milliseconds);
       rest > 0 && atomic_load(&faults->sync_delay_milliseconds) > 0; rest -= step) {
    pause_milliseconds(rest < step ? rest : step);
  }
}

int disk_faults_before_write(struct disk_faults *faults) {
  if (faults != NULL) {
    atomic_fetch_add(&faults->write_count, 1);
    const int error = next_error(&faults->write_error, &faults->writes_left);
    if (error != 0) return error;
  }
  return environment_error(0);
}

int disk_faults_before_sync(struct disk_faults *faults) {
  char text[32];
  if (read_setting("CORACLE_TEST_SLOW_SYNC_FILE", text, sizeof text)) pause_milliseconds(atol(text));
  if (faults != NULL) {
    pause_as_planned(faults);
    const int error = next_error(&faults->sync_error, &faults->syncs_left);
    if (error != 0) return error;
  }
  return environment_error(1);
}

// MARK: The VFS

struct faulty_file {
  sqlite3_file base;
  struct disk_faults *faults;
  sqlite3_file *real;
};

static sqlite3_vfs faulty_vfs;
static sqlite3_vfs *real_vfs;

static sqlite3_file *real(sqlite3_file *file) {
  return ((struct faulty_file *)file)->real;
}

static struct disk_faults *faults_of(sqlite3_file *file) {
  return ((struct faulty_file *)file)->faults;
}

static int faulty_close(sqlite3_file *file) {
  return real(file)->pMethods->xClose(real(file));
}

static int faulty_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  struct disk_faults *faults = faults_of(file);
  if (faults != NULL && next_error(&faults->read_error, &faults->reads_left) != 0) return SQLITE_IOERR_READ;
  return real(file)->pMethods->xRead(real(file), bytes, count, offset);
}

static int faulty_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  struct disk_faults *faults = faults_of(file);
  const int error = disk_faults_before_write(faults);
  if (error == 0) return real(file)->pMethods->xWrite(real(file), bytes, count, offset);
  if (faults != NULL && atomic_load(&faults->tears)) {
    real(file)->pMethods->xWrite(real(file), bytes, count / 2, offset);
  }
  return error == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}

static int faulty_sync(sqlite3_file *file, int flags) {
  if (disk_faults_before_sync(faults_of(file)) != 0) return SQLITE_IOERR_FSYNC;
  return real(file)->pMethods->xSync(real(file), flags);
}

static int faulty_file_size(sqlite3_file *file, sqlite3_int64 *size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}

static int faulty_lock(sqlite3_file *file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}

static int faulty_unlock(sqlite3_file *file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}

static int faulty_check_lock(sqlite3_file *file, int *is_reserved) {
  return real(file)->pMethods->xCheckReservedLock(real(file), is_reserved);
}

static int faulty_control(sqlite3_file *file, int operation, void *argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int faulty_sector_size(sqlite3_file *file) {
  return real(file)->pMethods->xSectorSize(real(file));
}

static int faulty_characteristics(sqlite3_file *file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int faulty_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **map) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, map);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void faulty_shm_barrier(sqlite3_file *file) {
  real(file)->pMethods->xShmBarrier(real(file));
}

static int faulty_shm_unmap(sqlite3_file *file, int deletes) {
  return real(file)->pMethods->xShmUnmap(real(file), deletes);
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_file_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_check_lock,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector_size,
    .xDeviceCharacteristics = faulty_characteristics,
    .xShmMap = faulty_shm_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_shm_barrier,
    .xShmUnmap = faulty_shm_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *given_flags) {
  (void)vfs;
  struct faulty_file *faulty = (struct faulty_file *)file;
  faulty->base.pMethods = NULL;
  faulty->faults = disk_faults_for_file(name);
  faulty->real = (sqlite3_file *)(faulty + 1);
  const int code = real_vfs->xOpen(real_vfs, name, faulty->real, flags, given_flags);
  if (code == SQLITE_OK) faulty->base.pMethods = &faulty_methods;
  return code;
}

static void register_vfs(void) {
  sqlite3_initialize();
  real_vfs = sqlite3_vfs_find(NULL);
  if (real_vfs == NULL) return;
  faulty_vfs = *real_vfs;
  faulty_vfs.pNext = NULL;
  faulty_vfs.zName = "coracle-disk-faults";
  faulty_vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
  faulty_vfs.xOpen = faulty_open;
  sqlite3_vfs_register(&faulty_vfs, 0);
}

const char *disk_faults_vfs(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, register_vfs);
  return real_vfs == NULL ? NULL : faulty_vfs.zName;
}
