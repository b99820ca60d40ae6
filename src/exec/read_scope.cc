#include "exec/read_scope.h"

namespace omnigraph::exec {

Error ReadScope::too_large(std::uint64_t bytes_max) {
  const std::string limit = std::to_string(bytes_max);
  Error error{Code::kResourceLimit, "resource limit exceeded for query_result_bytes: actual more than " + limit +
                                        ", limit " + limit + "; ask for fewer rows (limit), or aggregate"};
  return with_detail(
      std::move(error), "resource_limit",
      R"({"resource":"query_result_bytes","limit":)" + limit + ",\"actual\":" + std::to_string(bytes_max + 1) + "}");
}

}  // namespace omnigraph::exec
