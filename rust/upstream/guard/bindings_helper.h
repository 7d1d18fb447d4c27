
#if IS_ENABLED(CONFIG_AMD_MCE_GUARD)
#include "../../drivers/ras/amd/mce_guard/bindings.h"
#endif
