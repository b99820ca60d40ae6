// The cost of one policy check: bundles of 10, 50 and 500 rules, whose groups and actions vary, asked for an actor of
// several groups. One line a bundle: microseconds and allocations a check, allowed by the last rule and denied by all.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "bench/must.h"
#include "policy/bundle.h"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace omnigraph::policy {
namespace {

constexpr int kChecks = 20'000;
constexpr int kGroups = 10;

// Every rule is about `change`, so that none of them is left out by its action.
std::string bundle_of(int rules) {
  std::string yaml = "version: 1\ngroups:\n";
  for (int i = 0; i < kGroups; ++i) {
    const std::string name = "team" + std::to_string(i);
    yaml += "  " + name + ": [ana" + (i == 0 ? "" : std::string(", member").append(std::to_string(i))) + "]\n";
  }
  yaml += "  release-managers: [zoe]\nprotected_branches: [main, release]\nrules:\n";
  for (int i = 0; i < rules; ++i) {
    const bool last = i + 1 == rules;
    yaml += "  - { id: rule-" + std::to_string(i) +
            ", allow: { actors: { group: " + (last ? "team0" : "release-managers") +
            " }, actions: [read, change], branch_scope: " +
            (last         ? "unprotected"
             : i % 2 == 0 ? "any"
                          : "unprotected") +
            " } }\n";
  }
  return yaml;
}

void measure(const char* what, const Bundle& bundle, const Request& request, bool allowed) {
  const std::size_t before = allocations;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kChecks; ++i) {
    if (bundle.authorize(request).allowed != allowed) std::abort();
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  std::printf("  %-8s %7.2f us   %5.1f allocations\n", what, took.count() / kChecks,
              static_cast<double>(allocations - before) / kChecks);
}

void run(int rules) {
  const auto bundle = bench::must(Bundle::parse(bundle_of(rules), BundleKind::kGraph, "lib"));
  std::printf("%d rules\n", rules);
  measure("allowed", *bundle, {"ana", Action::kChange, "a-branch-with-a-longer-name", {}}, true);
  measure("denied", *bundle, {"ana", Action::kChange, "main", {}}, false);
  measure("unknown", *bundle, {"eve", Action::kChange, "main", {}}, false);
}

}  // namespace
}  // namespace omnigraph::policy

int main() {
  for (const int rules : {10, 50, 500}) omnigraph::policy::run(rules);
}
