#include "exec/column.h"

namespace omnigraph::exec {

Column::Column(std::shared_ptr<const columnar::ChunkedArray> data) : data_(std::move(data)) {
  for (std::size_t i = 0; i < data_->chunk_count(); ++i) {
    const columnar::Array& chunk = *data_->chunk(i);
    has_nulls_ = has_nulls_ || chunk.has_nulls();
    if (chunk.length() <= std::int64_t{main_size_}) continue;
    main_ = &chunk;
    main_start_ = static_cast<Ordinal>(data_->chunk_start(i));
    main_size_ = static_cast<Ordinal>(chunk.length());
  }
}

}  // namespace omnigraph::exec
