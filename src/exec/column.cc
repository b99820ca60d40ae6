#include "exec/column.h"

namespace omnigraph::exec {

Column::Column(std::shared_ptr<const columnar::ChunkedArray> data) : data_(std::move(data)) {
  if (data_->chunk_count() == 1) single_ = data_->chunk(0).get();
  for (std::size_t i = 0; i < data_->chunk_count(); ++i) has_nulls_ = has_nulls_ || data_->chunk(i)->has_nulls();
}

}  // namespace omnigraph::exec
