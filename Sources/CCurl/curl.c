#include "scope_curl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Numbers from curl/curl.h, which are part of its stable ABI: kind (0 long, 10000 pointer, 20000 function) plus index. */
enum {
  OPTION_WRITEDATA = 10001,
  OPTION_URL = 10002,
  OPTION_RANGE = 10007,
  OPTION_ERRORBUFFER = 10010,
  OPTION_TIMEOUT = 13,
  OPTION_USERAGENT = 10018,
  OPTION_LOW_SPEED_LIMIT = 19,
  OPTION_LOW_SPEED_TIME = 20,
  OPTION_HTTPHEADER = 10023,
  OPTION_HEADERDATA = 10029,
  OPTION_FOLLOWLOCATION = 52,
  OPTION_NETRC = 51,
  OPTION_SSL_VERIFYPEER = 64,
  OPTION_SSL_VERIFYHOST = 81,
  OPTION_NOSIGNAL = 99,
  OPTION_CONNECTTIMEOUT_MS = 156,
  OPTION_PROTOCOLS = 181,
  OPTION_WRITEFUNCTION = 20011,
  OPTION_HEADERFUNCTION = 20079,
  INFO_RESPONSE_CODE = 0x200002,
  PROTOCOL_HTTP = 1,
  PROTOCOL_HTTPS = 2,
  GLOBAL_DEFAULT = 3,
  ERROR_SIZE = 256,
};

typedef size_t (*curl_callback)(char *, size_t, size_t, void *);

static struct {
  int (*global_init)(long);
  void *(*easy_init)(void);
  void (*easy_cleanup)(void *);
  int (*easy_setopt)(void *, int, ...);
  int (*easy_perform)(void *);
  int (*easy_getinfo)(void *, int, ...);
  const char *(*easy_strerror)(int);
  void *(*slist_append)(void *, const char *);
  void (*slist_free_all)(void *);
} curl;

static int loaded = 0;

int scope_curl_is_loaded(void) { return loaded; }

int scope_curl_load(const char *name, char *problem, size_t problem_size) {
  if (loaded) return 0;
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(problem, problem_size, "%s", dlerror());
    return -1;
  }
  const char *names[] = {"curl_global_init",  "curl_easy_init",     "curl_easy_cleanup",
                         "curl_easy_setopt",  "curl_easy_perform",  "curl_easy_getinfo",
                         "curl_easy_strerror", "curl_slist_append", "curl_slist_free_all"};
  void **slots = (void **)&curl;
  for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
    slots[index] = dlsym(library, names[index]);
    if (!slots[index]) {
      snprintf(problem, problem_size, "%s has no function %s", name, names[index]);
      dlclose(library);
      return -1;
    }
  }
  if (curl.global_init(GLOBAL_DEFAULT) != 0) {
    snprintf(problem, problem_size, "%s could not be initialised", name);
    dlclose(library);
    return -1;
  }
  loaded = 1;
  return 0;
}

typedef struct {
  scope_curl_sink sink;
  void *context;
} sink_with_context;

static size_t forward(char *bytes, size_t size, size_t count, void *data) {
  sink_with_context *target = data;
  size_t length;
  if (__builtin_mul_overflow(size, count, &length)) return 0;
  return target->sink(bytes, length, target->context);
}

int scope_curl_perform(
    const scope_curl_request *request, scope_curl_sink header, scope_curl_sink body, void *context, long *status,
    char *problem, size_t problem_size) {
  *status = 0;
  if (!loaded) {
    snprintf(problem, problem_size, "libcurl is not loaded");
    return -1;
  }
  void *handle = curl.easy_init();
  if (!handle) {
    snprintf(problem, problem_size, "libcurl gave no handle");
    return -1;
  }
  char message[ERROR_SIZE] = "";
  sink_with_context header_target = {header, context};
  sink_with_context body_target = {body, context};
  void *headers = 0;
  if (request->authorization) headers = curl.slist_append(headers, request->authorization);
  curl.easy_setopt(handle, OPTION_ERRORBUFFER, message);
  curl.easy_setopt(handle, OPTION_URL, request->url);
  if (request->range) curl.easy_setopt(handle, OPTION_RANGE, request->range);
  if (headers) curl.easy_setopt(handle, OPTION_HTTPHEADER, headers);
  curl.easy_setopt(handle, OPTION_USERAGENT, request->user_agent);
  curl.easy_setopt(handle, OPTION_FOLLOWLOCATION, 0L);
  curl.easy_setopt(handle, OPTION_NETRC, 0L);
  curl.easy_setopt(handle, OPTION_NOSIGNAL, 1L);
  curl.easy_setopt(handle, OPTION_SSL_VERIFYPEER, 1L);
  curl.easy_setopt(handle, OPTION_SSL_VERIFYHOST, 2L);
  curl.easy_setopt(handle, OPTION_CONNECTTIMEOUT_MS, request->connect_timeout_milliseconds);
  curl.easy_setopt(handle, OPTION_LOW_SPEED_LIMIT, request->low_speed_bytes);
  curl.easy_setopt(handle, OPTION_LOW_SPEED_TIME, request->low_speed_seconds);
  curl.easy_setopt(handle, OPTION_TIMEOUT, request->total_timeout_seconds);
  curl.easy_setopt(handle, OPTION_WRITEFUNCTION, (curl_callback)forward);
  curl.easy_setopt(handle, OPTION_WRITEDATA, &body_target);
  curl.easy_setopt(handle, OPTION_HEADERFUNCTION, (curl_callback)forward);
  curl.easy_setopt(handle, OPTION_HEADERDATA, &header_target);
  /* Without this a hostile redirect or name could reach file:, ftp: or gopher:. */
  int code = curl.easy_setopt(handle, OPTION_PROTOCOLS, (long)(PROTOCOL_HTTP | PROTOCOL_HTTPS));
  if (code == 0) code = curl.easy_perform(handle);
  curl.easy_getinfo(handle, INFO_RESPONSE_CODE, status);
  if (code != 0) snprintf(problem, problem_size, "%s", message[0] ? message : curl.easy_strerror(code));
  curl.slist_free_all(headers);
  curl.easy_cleanup(handle);
  return code;
}
