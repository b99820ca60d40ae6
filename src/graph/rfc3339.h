// The one form in which records and graph.json hold times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace omnigraph::graph {

// Unix microseconds of 2026-01-02T03:04:05.678901Z (as base::format_micros writes); nullopt: anything else.
[[nodiscard]] std::optional<std::int64_t> micros_of(const std::string& text);

}  // namespace omnigraph::graph
