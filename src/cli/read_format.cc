#include "cli/read_format.h"

#include <algorithm>
#include <vector>

#include "base/json_writer.h"
#include "base/text.h"

namespace omnigraph::cli {

namespace {

std::string header(const ReadView& answer) {
  std::string text = std::to_string(answer.row_count()) + " rows from ";
  text += answer.target().snapshot ? "snapshot " + *answer.target().snapshot
                                   : "branch " + answer.target().branch.value_or("main");
  return text + " via " + answer.query_name() + "\n";
}

std::string csv_cell(const std::string& cell) {
  if (cell.find_first_of(",\"\n\r") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

std::string render_csv(const ReadView& answer) {
  std::string out;
  for (std::size_t c = 0; c < answer.columns().size(); ++c) {
    if (c != 0) out.push_back(',');
    out += csv_cell(answer.columns()[c]);
  }
  out.push_back('\n');
  for (std::size_t row = 0; row < answer.row_count(); ++row) {
    for (std::size_t c = 0; c < answer.columns().size(); ++c) {
      if (c != 0) out.push_back(',');
      out += csv_cell(answer.cell(row, c));
    }
    out.push_back('\n');
  }
  return out;
}

std::string render_json_lines(const ReadView& answer) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("kind").string("metadata").key("query_name").string(answer.query_name());
  json.key("target").begin_object();
  json.key("branch").string_or_null(answer.target().branch.value_or(""), answer.target().branch.has_value());
  json.key("snapshot").string_or_null(answer.target().snapshot.value_or(""), answer.target().snapshot.has_value());
  json.end_object().key("row_count").unsigned_integer(answer.row_count()).end_object();
  out.push_back('\n');
  for (std::size_t row = 0; row < answer.row_count(); ++row) {
    answer.append_row(out, row);
    out.push_back('\n');
  }
  return out;
}

std::string render_key_value(const ReadView& answer) {
  std::string out = header(answer);
  if (answer.row_count() == 0) return out + "(no rows)\n";
  for (std::size_t row = 0; row < answer.row_count(); ++row) {
    if (row != 0) out.push_back('\n');
    out += "row " + std::to_string(row + 1) + "\n";
    for (std::size_t c = 0; c < answer.columns().size(); ++c) {
      out += answer.columns()[c] + ": " + answer.cell(row, c) + "\n";
    }
  }
  return out;
}

// A cell cut or folded into lines of at most `width` code points.
std::vector<std::string> cell_lines(const std::string& cell, std::size_t width, bool wrap) {
  std::string flat;
  for (const char c : cell) {
    if (c == '\n') {
      flat += "\\n";
    } else {
      flat.push_back(c);
    }
  }
  if (base::code_point_count(flat) <= width) return {flat};
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  for (std::size_t at = 0; at < flat.size();) {
    const std::size_t begin = at;
    base::next_code_point(flat, at);
    if (!wrap && used == width - 1) {
      lines.back() += "\xe2\x80\xa6";
      return lines;
    }
    if (used == width) {
      lines.emplace_back();
      used = 0;
    }
    lines.back() += flat.substr(begin, at - begin);
    ++used;
  }
  return lines;
}

std::string padded(const std::string& cell, std::size_t width) {
  const std::size_t length = base::code_point_count(cell);
  return length >= width ? cell : cell + std::string(width - length, ' ');
}

std::string render_table(const ReadView& answer, const TableLayout& layout) {
  constexpr std::size_t kNarrowest = 8;
  std::string out = header(answer);
  if (answer.columns().empty()) return out + "(no rows)\n";
  const std::size_t widest = std::max(layout.max_column_width, kNarrowest);
  std::vector<std::vector<std::string>> cells(answer.row_count());
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < answer.columns().size(); ++c) {
    std::size_t longest = 0;
    for (std::size_t row = 0; row < cells.size(); ++row) {
      cells[row].push_back(answer.cell(row, c));
      longest = std::max(longest, base::code_point_count(cells[row][c]) +
                                      static_cast<std::size_t>(std::ranges::count(cells[row][c], '\n')));
    }
    widths.push_back(std::min(
        std::max(base::code_point_count(answer.columns()[c]), std::min(longest, layout.max_column_width)), widest));
  }
  const auto add_row = [&](const std::vector<std::string>& row) {
    std::vector<std::vector<std::string>> lines;
    std::size_t height = 1;
    for (std::size_t c = 0; c < row.size(); ++c) {
      lines.push_back(cell_lines(row[c], widths[c], layout.wrap));
      height = std::max(height, lines.back().size());
    }
    for (std::size_t line = 0; line < height; ++line) {
      for (std::size_t c = 0; c < row.size(); ++c) {
        if (c != 0) out += " | ";
        out += padded(line < lines[c].size() ? lines[c][line] : "", widths[c]);
      }
      out.push_back('\n');
    }
  };
  add_row(answer.columns());
  for (std::size_t c = 0; c < widths.size(); ++c) {
    if (c != 0) out += "-+-";
    out += std::string(widths[c], '-');
  }
  out.push_back('\n');
  for (const auto& row : cells) add_row(row);
  return out;
}

}  // namespace

std::optional<ReadFormat> read_format_of(std::string_view name) {
  if (name == "table") return ReadFormat::kTable;
  if (name == "kv") return ReadFormat::kKeyValue;
  if (name == "csv") return ReadFormat::kCsv;
  if (name == "jsonl") return ReadFormat::kJsonLines;
  if (name == "json") return ReadFormat::kJson;
  return std::nullopt;
}

std::string render_read(const ReadView& answer, ReadFormat format, const TableLayout& layout) {
  switch (format) {
    case ReadFormat::kTable: return render_table(answer, layout);
    case ReadFormat::kKeyValue: return render_key_value(answer);
    case ReadFormat::kCsv: return render_csv(answer);
    case ReadFormat::kJsonLines: return render_json_lines(answer);
    case ReadFormat::kJson: break;
  }
  return base::pretty_json(answer.json()) + "\n";
}

}  // namespace omnigraph::cli
