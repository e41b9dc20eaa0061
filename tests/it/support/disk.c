/* A disk that goes wrong, for tests: preloaded into a program, it counts what the program does to files
 * whose name holds DISK_FILE, and from the operation of number DISK_AT on does DISK_FAULT:
 *   full   there is no room: what makes a file longer fails
 *   error  this one operation fails
 *   die    the process is gone before it
 *   tear   the process is gone in the middle of it
 * With DISK_COUNT it writes down, in the file of that name, how many operations there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int operations;

static int is_meant(int fd) {
  const char *wanted = getenv("DISK_FILE");
  char link[64], path[4096];
  if (!wanted) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, wanted) != NULL;
}

static const char *fault_now(void) {
  const char *at = getenv("DISK_AT"), *fault = getenv("DISK_FAULT"), *count = getenv("DISK_COUNT");
  operations++;
  if (count) {
    FILE *file = fopen(count, "w");
    if (file) {
      fprintf(file, "%d", operations);
      fclose(file);
    }
  }
  if (!at || !fault) return NULL;
  int number = atoi(at);
  int lasts = strcmp(fault, "full") == 0;
  return operations == number || (lasts && operations > number) ? fault : NULL;
}

static void die(void) {
  kill(getpid(), SIGKILL);
}

/* What is to be done instead of an operation on fd: 0 nothing, -1 fail with errno. */
static int interfere(int fd, int grows, const char **torn) {
  if (!is_meant(fd)) return 0;
  const char *fault = fault_now();
  if (!fault) return 0;
  if (strcmp(fault, "die") == 0) die();
  if (strcmp(fault, "tear") == 0) {
    if (torn) *torn = fault;
    else die();
    return 0;
  }
  if (strcmp(fault, "full") == 0 && !grows) return 0;
  errno = strcmp(fault, "full") == 0 ? ENOSPC : EIO;
  return -1;
}

static int grows(int fd, off_t end) {
  struct stat found;
  return fstat(fd, &found) != 0 || end > found.st_size;
}

static off_t place(int fd) {
  return lseek(fd, 0, SEEK_CUR);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  const char *torn = NULL;
  if (interfere(fd, grows(fd, at + (off_t)size), &torn)) return -1;
  ssize_t written = REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(
      fd, data, torn ? size / 2 : size, at);
  if (torn) die();
  return written;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  return pwrite64(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size) {
  const char *torn = NULL;
  if (interfere(fd, grows(fd, place(fd) + (off_t)size), &torn)) return -1;
  ssize_t written = REAL(ssize_t, "write", int, const void *, size_t)(fd, data, torn ? size / 2 : size);
  if (torn) die();
  return written;
}

int ftruncate64(int fd, off64_t size) {
  if (interfere(fd, grows(fd, size), NULL)) return -1;
  return REAL(int, "ftruncate64", int, off64_t)(fd, size);
}

int ftruncate(int fd, off_t size) {
  return ftruncate64(fd, size);
}

int fsync(int fd) {
  if (interfere(fd, 0, NULL)) return -1;
  return REAL(int, "fsync", int)(fd);
}

int fdatasync(int fd) {
  if (interfere(fd, 0, NULL)) return -1;
  return REAL(int, "fdatasync", int)(fd);
}
