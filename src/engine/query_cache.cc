#include "engine/query_cache.h"

#include "base/phase_clock.h"

namespace omnigraph::engine {
namespace {

constexpr std::uint64_t kQueryBytes = 4096;
constexpr std::uint64_t kQueryBytesPerByte = 16;

}  // namespace

Result<query::BoundQueryPtr> QueryCache::compile(std::string_view source, std::string_view name,
                                                 const std::string& schema_digest,
                                                 const std::shared_ptr<const schema::Catalog>& catalog) {
  const base::PhaseClock::In parse(base::Phase::kParse);
  std::string key;
  key.reserve(schema_digest.size() + name.size() + source.size() + 2);
  key.append(schema_digest).append(1, '\0').append(name).append(1, '\0').append(source);
  if (query::BoundQueryPtr known = queries_.find(key)) return known;
  // Compiled outside the lock: two callers may do it twice, both results are right.
  OG_ASSIGN_OR_RETURN(query::BoundQueryPtr bound, query::compile(source, name, catalog));
  // Trees, names and types of a query follow its text; about.
  const std::uint64_t bytes = kQueryBytes + kQueryBytesPerByte * source.size();
  return queries_.insert(key, std::move(bound), bytes);
}

}  // namespace omnigraph::engine
