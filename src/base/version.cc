#include "base/version.h"

namespace omnigraph::base {

std::string_view version() { return OMNIGRAPH_VERSION; }

}  // namespace omnigraph::base
