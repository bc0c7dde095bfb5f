// The part of OpenVINO's C API that Neural-Scope uses, declared by us: names, parameter types and what is owned by
// whom. There is no link-time dependency: the library is loaded with dlopen and each function found by its name.
//
// Every function that returns int returns 0 on success; then last_error says why not. What a function hands out
// through its last parameter belongs to the caller, who releases it with the *_free function of its kind.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct ScopeOvCore ScopeOvCore;
typedef struct ScopeOvModel ScopeOvModel;
typedef struct ScopeOvCompiledModel ScopeOvCompiledModel;
typedef struct ScopeOvRequest ScopeOvRequest;
typedef struct ScopeOvTensor ScopeOvTensor;
/// An input or output of a model.
typedef struct ScopeOvPort ScopeOvPort;

typedef struct ScopeOvVersion {
  const char *number;
  const char *description;
} ScopeOvVersion;

typedef struct ScopeOvShape {
  int64_t rank;
  int64_t *dimensions;
} ScopeOvShape;

/// A range; a known size has the same minimum and maximum.
typedef struct ScopeOvDimension {
  int64_t minimum;
  int64_t maximum;
} ScopeOvDimension;

typedef struct ScopeOvPartialShape {
  ScopeOvDimension rank;
  ScopeOvDimension *dimensions;
} ScopeOvPartialShape;

/// FUNCTION(result, name after "ov_", parameters)
#define SCOPE_OV_FUNCTIONS(FUNCTION)                                                                                   \
  FUNCTION(int, get_openvino_version, (ScopeOvVersion *))                                                              \
  FUNCTION(void, version_free, (ScopeOvVersion *))                                                                     \
  /* The process's last error, a copy to be released with ov_free. */                                                  \
  FUNCTION(const char *, get_last_err_msg, (void))                                                                     \
  /* A static text about a status. */                                                                                  \
  FUNCTION(const char *, get_error_info, (int))                                                                        \
  FUNCTION(void, free, (const char *))                                                                                 \
  FUNCTION(int, core_create, (ScopeOvCore **))                                                                         \
  FUNCTION(void, core_free, (ScopeOvCore *))                                                                           \
  FUNCTION(int, core_read_model_from_memory_buffer,                                                                    \
           (const ScopeOvCore *, const char *, size_t, const ScopeOvTensor *, ScopeOvModel **))                        \
  FUNCTION(void, model_free, (ScopeOvModel *))                                                                         \
  FUNCTION(int, model_reshape, (const ScopeOvModel *, const char **, const ScopeOvPartialShape *, size_t))             \
  /* The count is of keys and values together, which follow the last parameter in turn. */                             \
  FUNCTION(int, core_compile_model,                                                                                    \
           (const ScopeOvCore *, const ScopeOvModel *, const char *, size_t, ScopeOvCompiledModel **, ...))            \
  FUNCTION(void, compiled_model_free, (ScopeOvCompiledModel *))                                                        \
  FUNCTION(int, compiled_model_get_property, (const ScopeOvCompiledModel *, const char *, char **))                    \
  FUNCTION(int, compiled_model_inputs_size, (const ScopeOvCompiledModel *, size_t *))                                  \
  FUNCTION(int, compiled_model_outputs_size, (const ScopeOvCompiledModel *, size_t *))                                 \
  FUNCTION(int, compiled_model_input_by_index, (const ScopeOvCompiledModel *, size_t, ScopeOvPort **))                 \
  FUNCTION(int, compiled_model_output_by_index, (const ScopeOvCompiledModel *, size_t, ScopeOvPort **))                \
  FUNCTION(int, compiled_model_input_by_name, (const ScopeOvCompiledModel *, const char *, ScopeOvPort **))            \
  FUNCTION(int, compiled_model_output_by_name, (const ScopeOvCompiledModel *, const char *, ScopeOvPort **))           \
  FUNCTION(int, port_get_element_type, (const ScopeOvPort *, int *))                                                   \
  FUNCTION(int, port_get_partial_shape, (const ScopeOvPort *, ScopeOvPartialShape *))                                  \
  FUNCTION(void, output_const_port_free, (ScopeOvPort *))                                                              \
  FUNCTION(int, partial_shape_create_static, (int64_t, const int64_t *, ScopeOvPartialShape *))                        \
  FUNCTION(void, partial_shape_free, (ScopeOvPartialShape *))                                                          \
  FUNCTION(int, compiled_model_create_infer_request, (const ScopeOvCompiledModel *, ScopeOvRequest **))                \
  FUNCTION(void, infer_request_free, (ScopeOvRequest *))                                                               \
  FUNCTION(int, infer_request_set_tensor_by_const_port,                                                                \
           (ScopeOvRequest *, const ScopeOvPort *, const ScopeOvTensor *))                                             \
  FUNCTION(int, infer_request_get_tensor_by_const_port,                                                                \
           (const ScopeOvRequest *, const ScopeOvPort *, ScopeOvTensor **))                                            \
  FUNCTION(int, infer_request_infer, (ScopeOvRequest *))                                                               \
  FUNCTION(int, tensor_create, (int, ScopeOvShape, ScopeOvTensor **))                                                  \
  /* Over memory that the caller keeps alive as long as the tensor is used. */                                         \
  FUNCTION(int, tensor_create_from_host_ptr, (int, ScopeOvShape, void *, ScopeOvTensor **))                            \
  FUNCTION(void, tensor_free, (ScopeOvTensor *))                                                                       \
  FUNCTION(int, tensor_get_element_type, (const ScopeOvTensor *, int *))                                               \
  FUNCTION(int, tensor_get_shape, (const ScopeOvTensor *, ScopeOvShape *))                                             \
  FUNCTION(int, tensor_get_byte_size, (const ScopeOvTensor *, size_t *))                                               \
  FUNCTION(int, tensor_data, (const ScopeOvTensor *, void **))                                                         \
  FUNCTION(int, shape_free, (ScopeOvShape *))

/// The functions, found in a library.
typedef struct ScopeOvApi {
#define SCOPE_OV_FIELD(result, name, parameters) result(*name) parameters;
  SCOPE_OV_FUNCTIONS(SCOPE_OV_FIELD)
#undef SCOPE_OV_FIELD
} ScopeOvApi;

/// Fills the table.
/// @param find looks a symbol up by name in `library`; NULL when it has none.
/// @return the name of the first function that the library lacks; NULL when it has all of them.
const char *scope_ov_load(ScopeOvApi *api, const void *library, void *(*find)(const void *library, const char *name));

/// Properties that scope_ov_compile_model takes at most.
#define SCOPE_OV_MAXIMUM_PROPERTIES 16

/// Compiles a model for the CPU.
/// @param properties keys and values in turn, 2 * count of them.
/// @param count at most SCOPE_OV_MAXIMUM_PROPERTIES; more are refused with status -14, as an invalid parameter is.
int scope_ov_compile_model(const ScopeOvApi *api, const ScopeOvCore *core, const ScopeOvModel *model,
                           const char *const *properties, size_t count, ScopeOvCompiledModel **out);
