// The part of ONNX Runtime's C ABI that Neural-Scope uses, declared by us from the slot numbers and parameter types
// of its append-only function table. There is no link-time dependency: the library is loaded with dlopen.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct ScopeOrtEnv ScopeOrtEnv;
typedef struct ScopeOrtStatus ScopeOrtStatus;
typedef struct ScopeOrtSession ScopeOrtSession;
typedef struct ScopeOrtSessionOptions ScopeOrtSessionOptions;
typedef struct ScopeOrtRunOptions ScopeOrtRunOptions;
typedef struct ScopeOrtValue ScopeOrtValue;
typedef struct ScopeOrtTypeInfo ScopeOrtTypeInfo;
typedef struct ScopeOrtTensorInfo ScopeOrtTensorInfo;
typedef struct ScopeOrtMemoryInfo ScopeOrtMemoryInfo;
typedef struct ScopeOrtAllocator ScopeOrtAllocator;

/// The function table: slot N is the N-th function pointer.
typedef const void *const *ScopeOrtApi;

/// What OrtGetApiBase() returns: GetApi(version), then GetVersionString().
typedef struct ScopeOrtApiBase {
  ScopeOrtApi (*get_api)(uint32_t version);
  const char *(*get_version_string)(void);
} ScopeOrtApiBase;

static inline const ScopeOrtApiBase *scope_ort_base(void *symbol) {
  return ((const ScopeOrtApiBase *(*)(void))symbol)();
}
static inline ScopeOrtApi scope_ort_api(const ScopeOrtApiBase *base, uint32_t version) { return base->get_api(version); }
static inline const char *scope_ort_version(const ScopeOrtApiBase *base) { return base->get_version_string(); }

#define SCOPE_ORT(slot, result, ...) ((result(*)(__VA_ARGS__))api[slot])

static inline int scope_ort_error_code(ScopeOrtApi api, const ScopeOrtStatus *status) {
  return SCOPE_ORT(1, int, const ScopeOrtStatus *)(status);
}
static inline const char *scope_ort_error_message(ScopeOrtApi api, const ScopeOrtStatus *status) {
  return SCOPE_ORT(2, const char *, const ScopeOrtStatus *)(status);
}
static inline void scope_ort_release_status(ScopeOrtApi api, ScopeOrtStatus *status) {
  SCOPE_ORT(93, void, ScopeOrtStatus *)(status);
}
static inline ScopeOrtStatus *scope_ort_create_env(ScopeOrtApi api, int level, const char *name, ScopeOrtEnv **out) {
  return SCOPE_ORT(3, ScopeOrtStatus *, int, const char *, ScopeOrtEnv **)(level, name, out);
}
static inline ScopeOrtStatus *scope_ort_disable_telemetry(ScopeOrtApi api, const ScopeOrtEnv *env) {
  return SCOPE_ORT(6, ScopeOrtStatus *, const ScopeOrtEnv *)(env);
}
static inline ScopeOrtStatus *scope_ort_create_session(ScopeOrtApi api, const ScopeOrtEnv *env, const void *bytes,
                                                       size_t count, const ScopeOrtSessionOptions *options,
                                                       ScopeOrtSession **out) {
  return SCOPE_ORT(8, ScopeOrtStatus *, const ScopeOrtEnv *, const void *, size_t, const ScopeOrtSessionOptions *,
                   ScopeOrtSession **)(env, bytes, count, options, out);
}
static inline ScopeOrtStatus *scope_ort_run(ScopeOrtApi api, ScopeOrtSession *session, const ScopeOrtRunOptions *options,
                                            const char *const *input_names, const ScopeOrtValue *const *inputs,
                                            size_t input_count, const char *const *output_names, size_t output_count,
                                            ScopeOrtValue **outputs) {
  return SCOPE_ORT(9, ScopeOrtStatus *, ScopeOrtSession *, const ScopeOrtRunOptions *, const char *const *,
                   const ScopeOrtValue *const *, size_t, const char *const *, size_t, ScopeOrtValue **)(
      session, options, input_names, inputs, input_count, output_names, output_count, outputs);
}
static inline ScopeOrtStatus *scope_ort_create_session_options(ScopeOrtApi api, ScopeOrtSessionOptions **out) {
  return SCOPE_ORT(10, ScopeOrtStatus *, ScopeOrtSessionOptions **)(out);
}
static inline void scope_ort_release_session_options(ScopeOrtApi api, ScopeOrtSessionOptions *options) {
  SCOPE_ORT(100, void, ScopeOrtSessionOptions *)(options);
}
static inline ScopeOrtStatus *scope_ort_set_optimized_model_path(ScopeOrtApi api, ScopeOrtSessionOptions *options,
                                                                 const char *path) {
  return SCOPE_ORT(11, ScopeOrtStatus *, ScopeOrtSessionOptions *, const char *)(options, path);
}
static inline ScopeOrtStatus *scope_ort_create_run_options(ScopeOrtApi api, ScopeOrtRunOptions **out) {
  return SCOPE_ORT(39, ScopeOrtStatus *, ScopeOrtRunOptions **)(out);
}
static inline void scope_ort_release_run_options(ScopeOrtApi api, ScopeOrtRunOptions *options) {
  SCOPE_ORT(97, void, ScopeOrtRunOptions *)(options);
}
static inline ScopeOrtStatus *scope_ort_add_run_config(ScopeOrtApi api, ScopeOrtRunOptions *options, const char *key,
                                                       const char *value) {
  return SCOPE_ORT(165, ScopeOrtStatus *, ScopeOrtRunOptions *, const char *, const char *)(options, key, value);
}
/// 0 runs the nodes one after the other, 1 independent branches at the same time.
static inline ScopeOrtStatus *scope_ort_set_execution_mode(ScopeOrtApi api, ScopeOrtSessionOptions *options, int mode) {
  return SCOPE_ORT(13, ScopeOrtStatus *, ScopeOrtSessionOptions *, int)(options, mode);
}
static inline ScopeOrtStatus *scope_ort_set_inter_threads(ScopeOrtApi api, ScopeOrtSessionOptions *options, int count) {
  return SCOPE_ORT(25, ScopeOrtStatus *, ScopeOrtSessionOptions *, int)(options, count);
}
static inline ScopeOrtStatus *scope_ort_enable_profiling(ScopeOrtApi api, ScopeOrtSessionOptions *options, const char *prefix) {
  return SCOPE_ORT(14, ScopeOrtStatus *, ScopeOrtSessionOptions *, const char *)(options, prefix);
}
static inline ScopeOrtStatus *scope_ort_disable_cpu_arena(ScopeOrtApi api, ScopeOrtSessionOptions *options) {
  return SCOPE_ORT(19, ScopeOrtStatus *, ScopeOrtSessionOptions *)(options);
}
static inline ScopeOrtStatus *scope_ort_set_log_severity(ScopeOrtApi api, ScopeOrtSessionOptions *options, int level) {
  return SCOPE_ORT(22, ScopeOrtStatus *, ScopeOrtSessionOptions *, int)(options, level);
}
static inline ScopeOrtStatus *scope_ort_set_optimization_level(ScopeOrtApi api, ScopeOrtSessionOptions *options, int level) {
  return SCOPE_ORT(23, ScopeOrtStatus *, ScopeOrtSessionOptions *, int)(options, level);
}
static inline ScopeOrtStatus *scope_ort_set_intra_threads(ScopeOrtApi api, ScopeOrtSessionOptions *options, int count) {
  return SCOPE_ORT(24, ScopeOrtStatus *, ScopeOrtSessionOptions *, int)(options, count);
}
static inline ScopeOrtStatus *scope_ort_add_config(ScopeOrtApi api, ScopeOrtSessionOptions *options, const char *key,
                                                   const char *value) {
  return SCOPE_ORT(130, ScopeOrtStatus *, ScopeOrtSessionOptions *, const char *, const char *)(options, key, value);
}
static inline void scope_ort_release_session(ScopeOrtApi api, ScopeOrtSession *session) {
  SCOPE_ORT(95, void, ScopeOrtSession *)(session);
}
static inline ScopeOrtStatus *scope_ort_input_count(ScopeOrtApi api, const ScopeOrtSession *session, size_t *out) {
  return SCOPE_ORT(30, ScopeOrtStatus *, const ScopeOrtSession *, size_t *)(session, out);
}
static inline ScopeOrtStatus *scope_ort_output_count(ScopeOrtApi api, const ScopeOrtSession *session, size_t *out) {
  return SCOPE_ORT(31, ScopeOrtStatus *, const ScopeOrtSession *, size_t *)(session, out);
}
static inline ScopeOrtStatus *scope_ort_input_type(ScopeOrtApi api, const ScopeOrtSession *session, size_t index,
                                                   ScopeOrtTypeInfo **out) {
  return SCOPE_ORT(33, ScopeOrtStatus *, const ScopeOrtSession *, size_t, ScopeOrtTypeInfo **)(session, index, out);
}
static inline ScopeOrtStatus *scope_ort_output_type(ScopeOrtApi api, const ScopeOrtSession *session, size_t index,
                                                    ScopeOrtTypeInfo **out) {
  return SCOPE_ORT(34, ScopeOrtStatus *, const ScopeOrtSession *, size_t, ScopeOrtTypeInfo **)(session, index, out);
}
static inline ScopeOrtStatus *scope_ort_input_name(ScopeOrtApi api, const ScopeOrtSession *session, size_t index,
                                                   ScopeOrtAllocator *allocator, char **out) {
  return SCOPE_ORT(36, ScopeOrtStatus *, const ScopeOrtSession *, size_t, ScopeOrtAllocator *, char **)(session, index,
                                                                                                     allocator, out);
}
static inline ScopeOrtStatus *scope_ort_output_name(ScopeOrtApi api, const ScopeOrtSession *session, size_t index,
                                                    ScopeOrtAllocator *allocator, char **out) {
  return SCOPE_ORT(37, ScopeOrtStatus *, const ScopeOrtSession *, size_t, ScopeOrtAllocator *, char **)(session, index,
                                                                                                     allocator, out);
}
static inline ScopeOrtStatus *scope_ort_end_profiling(ScopeOrtApi api, ScopeOrtSession *session,
                                                      ScopeOrtAllocator *allocator, char **out) {
  return SCOPE_ORT(110, ScopeOrtStatus *, ScopeOrtSession *, ScopeOrtAllocator *, char **)(session, allocator, out);
}
static inline ScopeOrtStatus *scope_ort_default_allocator(ScopeOrtApi api, ScopeOrtAllocator **out) {
  return SCOPE_ORT(78, ScopeOrtStatus *, ScopeOrtAllocator **)(out);
}
static inline ScopeOrtStatus *scope_ort_free(ScopeOrtApi api, ScopeOrtAllocator *allocator, void *pointer) {
  return SCOPE_ORT(76, ScopeOrtStatus *, ScopeOrtAllocator *, void *)(allocator, pointer);
}
static inline ScopeOrtStatus *scope_ort_cpu_memory(ScopeOrtApi api, int allocator_type, int memory_type,
                                                   ScopeOrtMemoryInfo **out) {
  return SCOPE_ORT(69, ScopeOrtStatus *, int, int, ScopeOrtMemoryInfo **)(allocator_type, memory_type, out);
}
static inline ScopeOrtStatus *scope_ort_create_tensor(ScopeOrtApi api, const ScopeOrtMemoryInfo *memory, void *data,
                                                      size_t byte_count, const int64_t *dimensions, size_t rank,
                                                      int element_type, ScopeOrtValue **out) {
  return SCOPE_ORT(49, ScopeOrtStatus *, const ScopeOrtMemoryInfo *, void *, size_t, const int64_t *, size_t, int,
                   ScopeOrtValue **)(memory, data, byte_count, dimensions, rank, element_type, out);
}
static inline ScopeOrtStatus *scope_ort_is_tensor(ScopeOrtApi api, const ScopeOrtValue *value, int *out) {
  return SCOPE_ORT(50, ScopeOrtStatus *, const ScopeOrtValue *, int *)(value, out);
}
static inline ScopeOrtStatus *scope_ort_tensor_data(ScopeOrtApi api, ScopeOrtValue *value, void **out) {
  return SCOPE_ORT(51, ScopeOrtStatus *, ScopeOrtValue *, void **)(value, out);
}
static inline ScopeOrtStatus *scope_ort_tensor_info_of_value(ScopeOrtApi api, const ScopeOrtValue *value,
                                                             ScopeOrtTensorInfo **out) {
  return SCOPE_ORT(65, ScopeOrtStatus *, const ScopeOrtValue *, ScopeOrtTensorInfo **)(value, out);
}
static inline ScopeOrtStatus *scope_ort_tensor_info_of_type(ScopeOrtApi api, const ScopeOrtTypeInfo *type,
                                                            const ScopeOrtTensorInfo **out) {
  return SCOPE_ORT(55, ScopeOrtStatus *, const ScopeOrtTypeInfo *, const ScopeOrtTensorInfo **)(type, out);
}
static inline ScopeOrtStatus *scope_ort_element_type(ScopeOrtApi api, const ScopeOrtTensorInfo *info, int *out) {
  return SCOPE_ORT(60, ScopeOrtStatus *, const ScopeOrtTensorInfo *, int *)(info, out);
}
static inline ScopeOrtStatus *scope_ort_rank(ScopeOrtApi api, const ScopeOrtTensorInfo *info, size_t *out) {
  return SCOPE_ORT(61, ScopeOrtStatus *, const ScopeOrtTensorInfo *, size_t *)(info, out);
}
static inline ScopeOrtStatus *scope_ort_dimensions(ScopeOrtApi api, const ScopeOrtTensorInfo *info, int64_t *out, size_t rank) {
  return SCOPE_ORT(62, ScopeOrtStatus *, const ScopeOrtTensorInfo *, int64_t *, size_t)(info, out, rank);
}
static inline ScopeOrtStatus *scope_ort_symbolic_dimensions(ScopeOrtApi api, const ScopeOrtTensorInfo *info,
                                                            const char **out, size_t rank) {
  return SCOPE_ORT(63, ScopeOrtStatus *, const ScopeOrtTensorInfo *, const char **, size_t)(info, out, rank);
}
static inline void scope_ort_release_value(ScopeOrtApi api, ScopeOrtValue *value) {
  SCOPE_ORT(96, void, ScopeOrtValue *)(value);
}
static inline void scope_ort_release_type_info(ScopeOrtApi api, ScopeOrtTypeInfo *info) {
  SCOPE_ORT(98, void, ScopeOrtTypeInfo *)(info);
}
static inline void scope_ort_release_tensor_info(ScopeOrtApi api, ScopeOrtTensorInfo *info) {
  SCOPE_ORT(99, void, ScopeOrtTensorInfo *)(info);
}

#undef SCOPE_ORT
