#ifndef SCOPE_CURL_H
#define SCOPE_CURL_H

#include <stddef.h>

/* The part of libcurl's C interface that we use, declared by us from its documented numbers; the library is loaded with
 * dlopen when something is fetched, never linked. */

/* One request; strings may be null where they are optional. */
typedef struct {
  const char *url;
  /* "0-99"; null for everything. */
  const char *range;
  /* Whole header line; null for none. */
  const char *authorization;
  const char *user_agent;
  long connect_timeout_milliseconds;
  /* The transfer ends when it is slower than this for so many seconds. */
  long low_speed_bytes;
  long low_speed_seconds;
  long total_timeout_seconds;
} scope_curl_request;

/* Receives header lines and body bytes; anything but a return of `count` ends the transfer. */
typedef size_t (*scope_curl_sink)(const char *bytes, size_t count, void *context);

/* Loads the library by name or path. Returns 0, or -1 with a reason in `problem`. */
int scope_curl_load(const char *name, char *problem, size_t problem_size);

/* Whether scope_curl_load has succeeded. */
int scope_curl_is_loaded(void);

/* Makes one request without following redirects: http and https only, certificate and host name verified, nothing sent
 * but what the request names. Returns curl's code (0 for success); `status` is the HTTP status. */
int scope_curl_perform(
    const scope_curl_request *request, scope_curl_sink header, scope_curl_sink body, void *context, long *status,
    char *problem, size_t problem_size);

#endif
