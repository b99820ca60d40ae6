#include "server/trace_context.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace omnigraph::server {

namespace {

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

void append_duration(std::string& out, std::string_view name, std::chrono::nanoseconds spent) {
  std::array<char, 32> text{};
  const double ms = std::chrono::duration<double, std::milli>(spent).count();
  const int size = std::snprintf(text.data(), text.size(), ";dur=%.3f", ms);
  if (!out.empty()) out.append(", ");
  out.append(name).append(text.data(), static_cast<std::size_t>(size));
}

}  // namespace

// version "-" trace-id "-" parent-id "-" flags; a version above 00 may have more behind another dash.
std::optional<TraceContext> parse_traceparent(std::string_view header) {
  constexpr std::size_t kSize = 55;
  if (header.size() < kSize || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  const std::string_view version = header.substr(0, 2), trace_id = header.substr(3, 32),
                         parent_id = header.substr(36, 16), flags = header.substr(53, 2);
  if (!is_lower_hex(version) || !is_lower_hex(trace_id) || !is_lower_hex(parent_id) || !is_lower_hex(flags))
    return std::nullopt;
  if (version == "ff" || is_zero(trace_id) || is_zero(parent_id)) return std::nullopt;
  if (header.size() > kSize && (version == "00" || header[kSize] != '-')) return std::nullopt;
  return TraceContext{trace_id, parent_id};
}

std::string server_timing(base::PhaseClock& clock, std::chrono::nanoseconds total) {
  using base::Phase;
  std::string out;
  append_duration(out, "parse", clock.spent(Phase::kParse));
  append_duration(out, "plan", clock.spent(Phase::kPlan));
  append_duration(out, "execute", clock.spent(Phase::kExecute));
  append_duration(out, "storage", clock.spent(Phase::kStorage));
  append_duration(out, "total", total);
  return out;
}

}  // namespace omnigraph::server
