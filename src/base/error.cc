#include "base/error.h"

// Anchors the library: everything else in base is header-only.
