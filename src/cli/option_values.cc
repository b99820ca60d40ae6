#include "cli/option_values.h"

#include <map>
#include <utility>

namespace omnigraph::cli {

namespace {

std::map<const CLI::Option*, OptionValues>& all() {
  static auto* const kAll = new std::map<const CLI::Option*, OptionValues>;
  return *kAll;
}

}  // namespace

void note_values(const CLI::Option* option, Values kind) { all()[option].kind = kind; }

void note_values(const CLI::Option* option, std::vector<std::string> closed) {
  all()[option].closed = std::move(closed);
}

void note_opaque(const CLI::Option* option) { all()[option].opaque = true; }

const OptionValues& values_of(const CLI::Option* option) {
  static const OptionValues kAny;
  const auto at = all().find(option);
  return at == all().end() ? kAny : at->second;
}

}  // namespace omnigraph::cli
