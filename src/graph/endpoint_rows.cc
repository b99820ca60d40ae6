#include "graph/endpoint_rows.h"

namespace omnigraph::graph {

Result<void> EndpointRows::set(EdgeSide side, std::size_t piece, std::vector<std::uint64_t> rows) {
  Piece& slot = sides_[static_cast<std::size_t>(side)][piece];
  const std::uint64_t bytes = rows.size() * sizeof(std::uint64_t);
  const std::lock_guard lock(mutex_);
  memory_bytes_ -= slot.memory.size();
  if (memory_bytes_ + bytes <= memory_bytes_max_) {
    memory_bytes_ += bytes;
    slot = {.memory = Buffer::from_values(std::move(rows)), .spilled = false, .region = {}};
    return {};
  }
  if (!file_) {
    OG_ASSIGN_OR_RETURN(file_, SpillFile::create());
  }
  file_->begin_region();
  OG_RETURN_IF_ERROR(file_->append(std::as_bytes(std::span<const std::uint64_t>(rows))));
  slot = {.memory = {}, .spilled = true, .region = file_->end_region()};
  return {};
}

Result<Buffer> EndpointRows::get(EdgeSide side, std::size_t piece) const {
  const Piece& slot = sides_[static_cast<std::size_t>(side)][piece];
  if (!slot.spilled) return slot.memory;
  return file_->map(slot.region);
}

}  // namespace omnigraph::graph
