// A read answer as the formats of read_format.h see it: embedded or served, each without copying into the other's form.
// Thread safety: const methods may be called concurrently. The answer must outlive the view.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/remote_read.h"
#include "engine/graph.h"

namespace omnigraph::cli {

class ReadView {
 public:
  virtual ~ReadView() = default;
  [[nodiscard]] virtual const std::string& query_name() const = 0;
  [[nodiscard]] virtual const engine::ReadTarget& target() const = 0;
  [[nodiscard]] virtual const std::vector<std::string>& columns() const = 0;
  [[nodiscard]] virtual std::size_t row_count() const = 0;
  // null, raw strings, literals, compact JSON for lists and objects.
  [[nodiscard]] virtual std::string cell(std::size_t row, std::size_t column) const = 0;
  virtual void append_row(std::string& out, std::size_t row) const = 0;  // one compact JSON object
  [[nodiscard]] virtual std::string json() const = 0;                    // the whole answer, compact
};

[[nodiscard]] std::unique_ptr<ReadView> view_of(const engine::ReadAnswer& answer);
[[nodiscard]] std::unique_ptr<ReadView> view_of(const client::RemoteRead& answer);

}  // namespace omnigraph::cli
