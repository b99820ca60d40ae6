// Adds one to a counter many times, as one of several processes that do the same on one graph: each increment is one
// transaction that reads the row and writes it back. Prints how many were acknowledged.
//   increment_driver URI NAME COUNT
// The schema has `node Counter { name: String @key  value: I64 }` and an entity of that name.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "columnar/builder.h"
#include "engine/graph.h"

namespace omnigraph::engine {
namespace {

constexpr schema::TypeRef kCounter{schema::EntityKind::kNode, 0};
constexpr std::size_t kValueProperty = 1;  // name, value

Result<void> increment(graph::WriteTransaction& transaction, const std::string& name) {
  const graph::SnapshotPtr& base = transaction.base();
  OG_ASSIGN_OR_RETURN(const graph::TableViewPtr table, base->table(kCounter));
  OG_ASSIGN_OR_RETURN(const graph::Ordinal row, table->find(name));
  if (row == graph::kNoOrdinal) return std::unexpected(not_found("there is no counter '" + name + "'"));
  OG_ASSIGN_OR_RETURN(const auto values, table->property(kValueProperty));
  const auto place = values->locate(row);
  const std::int64_t value = values->chunk(place.chunk)->value<std::int64_t>(place.index);
  columnar::ArrayBuilder id(columnar::utf8()), key(columnar::utf8()),
      next(columnar::primitive(columnar::TypeId::kInt64));
  id.append_string(name);
  key.append_string(name);
  next.append_value(value + 1);
  auto rows = std::make_shared<graph::StagedRows>(*base->catalog(), kCounter);
  OG_RETURN_IF_ERROR(rows->append({rows->fields(), {id.finish(), key.finish(), next.finish()}, 1}));
  transaction.put(std::move(rows), graph::PutMode::kMerge, false);
  return {};
}

int run(const std::string& uri, const std::string& name, int count) {
  const auto graph = Graph::open(uri);
  if (!graph) {
    std::fprintf(stderr, "%s\n", graph.error().render().c_str());
    return 1;
  }
  int acknowledged = 0;
  while (acknowledged < count) {
    const auto outcome = (*graph)->storage().write(
        {}, [&](graph::WriteTransaction& transaction) { return increment(transaction, name); });
    if (outcome) {
      ++acknowledged;
    } else if (outcome.error().code != Code::kConflict) {  // a lost race may be repeated
      std::fprintf(stderr, "%s\n", outcome.error().render().c_str());
      return 1;
    }
  }
  std::printf("%d\n", acknowledged);
  return 0;
}

}  // namespace
}  // namespace omnigraph::engine

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: increment_driver URI NAME COUNT\n");
    return 2;
  }
  return omnigraph::engine::run(argv[1], argv[2], std::atoi(argv[3]));
}
