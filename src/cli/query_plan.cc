#include "cli/query_plan.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "client/raw_json.h"

namespace omnigraph::cli {
namespace {

using client::json_items;
using client::json_member;

constexpr std::size_t kIndent = 2;

struct PlanLine {
  std::string name;  // indented
  std::array<std::string, 4> cells;
};

std::string member_text(std::string_view object, std::string_view key) {
  return client::json_string(json_member(object, key)).value_or("");
}

double number_member(std::string_view object, std::string_view key) {
  return std::strtod(std::string(json_member(object, key)).c_str(), nullptr);
}

std::string formatted(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string milliseconds(double microseconds) { return formatted("%.3f ms", microseconds / 1000); }

std::string count_text(double count) {
  return formatted(count < 10 && count != static_cast<int>(count) ? "%.1f" : "%.0f", count);
}

std::string byte_text(double bytes) {
  if (bytes < 10'000) return formatted("%.0f B", bytes);
  if (bytes < 10'000'000) return formatted("%.0f KiB", bytes / 1024);
  return formatted("%.0f MiB", bytes / (1024 * 1024));
}

// A tuple may stand for several rows of the match.
std::string rows_text(std::string_view op) {
  const std::string_view rows = json_member(op, "rows");
  const std::string_view represented = json_member(op, "represented_rows");
  std::string text(rows);
  if (rows != represented) text.append(" for ").append(represented);
  return text;
}

void add_lines(std::string_view op, std::size_t depth, bool executed, std::vector<PlanLine>& out) {
  PlanLine line;
  line.name.assign(depth * kIndent, ' ').append(member_text(op, "name"));
  if (const std::string detail = member_text(op, "detail"); !detail.empty()) line.name.append(" ").append(detail);
  std::ranges::replace(line.name, '\n', ' ');
  line.cells[0] = json_member(op, "estimated_rows") == "null" ? "-" : count_text(number_member(op, "estimated_rows"));
  if (executed) {
    line.cells[1] = rows_text(op);
    line.cells[2] = byte_text(number_member(op, "bytes"));
    line.cells[3] = milliseconds(number_member(op, "time_us"));
  }
  out.push_back(std::move(line));
  for (const std::string_view child : json_items(json_member(op, "children"))) {
    add_lines(child, depth + 1, executed, out);
  }
}

std::string headline(std::string_view answer, std::string_view profile) {
  const std::string_view target = json_member(answer, "target");
  const auto snapshot = client::json_string(json_member(target, "snapshot"));
  std::string text = profile.empty() ? "plan of " : "profile of ";
  text.append(member_text(answer, "query_name"));
  text.append(snapshot ? " at snapshot " : " on branch ").append(snapshot ? *snapshot : member_text(target, "branch"));
  if (profile.empty()) return text.append("\n");
  text.append(": ").append(json_member(answer, "row_count")).append(" rows in ");
  text.append(milliseconds(number_member(profile, "total_us"))).append(" (plan ");
  text.append(milliseconds(number_member(profile, "plan_us"))).append(", run ");
  text.append(milliseconds(number_member(profile, "execute_us"))).append(", threads ");
  text.append(json_member(profile, "threads")).append(", storage requests ");
  return text.append(json_member(profile, "requests")).append(")\n");
}

}  // namespace

std::string render_plan(std::string_view answer) {
  const std::string_view profile = json_member(answer, "profile");
  const std::string_view plan = profile.empty() ? json_member(answer, "plan") : profile;
  const bool executed = !profile.empty();
  std::vector<PlanLine> lines{{"operator", {"estimated", "rows", "bytes", "time"}}};
  for (const std::string_view op : json_items(json_member(plan, "operators"))) add_lines(op, 0, executed, lines);
  const std::size_t columns = executed ? 4 : 1;
  std::array<std::size_t, 4> widths{};
  for (const PlanLine& line : lines) {
    for (std::size_t c = 0; c < columns; ++c) widths[c] = std::max(widths[c], line.cells[c].size());
  }
  std::string out = headline(answer, profile);
  for (const PlanLine& line : lines) {
    // The numbers stand before the names, which may be long.
    for (std::size_t c = 0; c < columns; ++c) {
      out.append(widths[c] - line.cells[c].size(), ' ').append(line.cells[c]).append("  ");
    }
    out.append(line.name).append("\n");
  }
  return out;
}

}  // namespace omnigraph::cli
