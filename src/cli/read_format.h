// The five forms of a read answer on a terminal or in a pipe (chapter 05 section 5.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/read_view.h"

namespace omnigraph::cli {

enum class ReadFormat { kTable, kKeyValue, kCsv, kJsonLines, kJson };
[[nodiscard]] std::optional<ReadFormat> read_format_of(std::string_view name);

struct TableLayout {
  std::size_t max_column_width = 80;
  bool wrap = false;
};

// The whole text, final newline included.
[[nodiscard]] std::string render_read(const ReadView& answer, ReadFormat format, const TableLayout& layout);

}  // namespace omnigraph::cli
