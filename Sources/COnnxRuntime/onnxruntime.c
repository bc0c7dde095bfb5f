// All functions are inline; this file makes the target compilable.
#include "COnnxRuntime.h"
