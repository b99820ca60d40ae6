#include "base/cache_use.h"

#include <map>
#include <mutex>
#include <string>

namespace omnigraph::base {
namespace {

struct CacheNames {
  std::mutex mutex;
  std::map<std::string, CacheUse, std::less<>> uses;  // guarded by mutex; entries stay where they are
};

CacheNames& cache_names() {
  static CacheNames& names = *new CacheNames();  // never destroyed: caches of the process count to its end
  return names;
}

}  // namespace

CacheUse& CacheUse::of(std::string_view name) {
  CacheNames& names = cache_names();
  const std::lock_guard lock(names.mutex);
  const auto found = names.uses.find(name);
  return found != names.uses.end() ? found->second : names.uses.try_emplace(std::string(name)).first->second;
}

void CacheUse::for_each(const std::function<void(std::string_view name, const CacheUse& use)>& visit) {
  CacheNames& names = cache_names();
  const std::lock_guard lock(names.mutex);
  for (const auto& [name, use] : names.uses) visit(name, use);
}

}  // namespace omnigraph::base
