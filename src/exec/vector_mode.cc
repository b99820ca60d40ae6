#include "exec/vector_mode.h"

#include <atomic>
#include <string>

namespace omnigraph::exec {
namespace {

std::atomic<VectorMode> process_vector_mode = VectorMode::kExact;

}  // namespace

Result<VectorMode> parse_vector_mode(std::string_view text) {
  if (text.empty() || text == "exact") return VectorMode::kExact;
  if (text == "approximate") return VectorMode::kApproximate;
  return std::unexpected(
      bad_request(std::string("'").append(text).append("' is no way to search vectors (expected exact|approximate)")));
}

void set_vector_mode(VectorMode mode) { process_vector_mode.store(mode, std::memory_order_relaxed); }

VectorMode vector_mode() { return process_vector_mode.load(std::memory_order_relaxed); }

}  // namespace omnigraph::exec
