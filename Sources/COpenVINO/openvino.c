#include "COpenVINO.h"

const char *scope_ov_load(ScopeOvApi *api, const void *library, void *(*find)(const void *library, const char *name)) {
#define SCOPE_OV_FIND(result, name, parameters)                                                                        \
  api->name = (result(*) parameters)find(library, "ov_" #name);                                                        \
  if (!api->name) return "ov_" #name;
  SCOPE_OV_FUNCTIONS(SCOPE_OV_FIND)
#undef SCOPE_OV_FIND
  return NULL;
}

int scope_ov_compile_model(const ScopeOvApi *api, const ScopeOvCore *core, const ScopeOvModel *model,
                           const char *const *properties, size_t count, ScopeOvCompiledModel **out) {
  if (count > SCOPE_OV_MAXIMUM_PROPERTIES) return -14;
  // OpenVINO reads as many variable arguments as it is told there are; the rest are there to be ignored.
  const char *p[2 * SCOPE_OV_MAXIMUM_PROPERTIES] = {NULL};
  for (size_t i = 0; i < 2 * count; i++) p[i] = properties[i];
  return api->core_compile_model(core, model, "CPU", 2 * count, out, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7],
                                 p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15], p[16], p[17], p[18], p[19],
                                 p[20], p[21], p[22], p[23], p[24], p[25], p[26], p[27], p[28], p[29], p[30], p[31]);
}
