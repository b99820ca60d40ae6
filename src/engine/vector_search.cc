#include "engine/vector_search.h"

#include "base/text.h"
#include "embed/provider.h"
#include "exec/vector_mode.h"

namespace omnigraph::engine {

Result<void> configure_vector_search() {
  const std::string text = embed::process_environment()("OMNIGRAPH_VECTOR_SEARCH").value_or("");
  const auto mode = exec::parse_vector_mode(base::trim_ascii(text));
  if (!mode) return std::unexpected(bad_request("OMNIGRAPH_VECTOR_SEARCH: " + mode.error().message));
  exec::set_vector_mode(*mode);
  return {};
}

}  // namespace omnigraph::engine
