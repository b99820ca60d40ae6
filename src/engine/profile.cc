#include "engine/profile.h"

#include <chrono>
#include <utility>

#include "objectstore/request_count.h"

namespace omnigraph::engine {

Result<ProfiledRead> profile_query(Graph& graph, std::string_view source, std::string_view name,
                                   std::string_view parameters, const ReadTarget& target,
                                   exec::ProfileScope::Mode mode) {
  using Clock = std::chrono::steady_clock;
  ProfiledRead read;
  const std::uint64_t requests = objectstore::requests_sent();
  const auto start = Clock::now();
  exec::ProfileScope scope(mode);
  OG_ASSIGN_OR_RETURN(read.answer, graph.query(source, name, parameters, target));
  read.total_us = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  read.requests = objectstore::requests_sent() - requests;
  read.profile = std::move(scope.profile());
  return read;
}

}  // namespace omnigraph::engine
