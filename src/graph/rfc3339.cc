#include "graph/rfc3339.h"

#include <chrono>
#include <cstdio>

namespace omnigraph::graph {

std::optional<std::int64_t> micros_of(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0, used = 0;
  const int found = std::sscanf(text.c_str(), "%d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &year, &month, &day, &hour, &minute,
                                &second, &micros, &used);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (found != 7 || used != static_cast<int>(text.size()) || !date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1'000'000 + micros;
}

}  // namespace omnigraph::graph
