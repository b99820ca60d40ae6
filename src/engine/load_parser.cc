#include "engine/load_parser.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "columnar/builder.h"
#include "engine/block_window.h"
#include "engine/load_block.h"
#include "engine/load_limits.h"

namespace omnigraph::engine {
namespace {

using schema::EntityKind;
using schema::TypeRef;

LoadTypePlan type_plan(const schema::Catalog& catalog, TypeRef type, const LoadParseOptions& options) {
  LoadTypePlan plan;
  plan.type = type;
  plan.name = catalog.name_of(type);
  plan.properties = &catalog.properties_of(type);
  for (const schema::Property& property : *plan.properties)
    plan.column_types.push_back(schema::column_type(property.type));
  if (options.rejects) {
    plan.typing =
        std::make_shared<const schema::TypeValueChecker>(plan.name, *plan.properties, schema::TypeConstraints{});
  }
  if (plan.is_edge()) return plan;
  const schema::NodeType& node = catalog.nodes[type.index];
  const auto order = options.key_orders.find(plan.name);
  const bool known = order != options.key_orders.end() && order->second.size() == node.constraints.key.size();
  for (const std::string& member : known ? order->second : node.constraints.key) {
    plan.key.push_back(node.index_of(member));
    OG_CHECK(plan.key.back() < node.properties.size());
  }
  if (plan.key.size() == 1 && node.properties[plan.key[0]].type.scalar == schema::ScalarType::kString) {
    plan.id_property = plan.key[0];
  }
  return plan;
}

// Other spellings of node ids, by node type.
class Spellings {
 public:
  Result<void> add(const IdSpelling& spelling, const schema::Catalog& catalog) {
    const auto [found, added] = by_type_[spelling.type].emplace(spelling.spelled, spelling.canonical);
    if (added || found->second == spelling.canonical) return {};
    std::string first = found->second, second = spelling.canonical;
    return std::unexpected(bad_request("node " + catalog.name_of(spelling.type) + " explicit id '" + spelling.spelled +
                                       "' maps to both canonical @key ids '" + first + "' and '" + second +
                                       "'; refusing ambiguous edge endpoint remap"));
  }

  [[nodiscard]] bool any_of(TypeRef type) const {
    const auto found = by_type_.find(type);
    return found != by_type_.end() && std::any_of(found->second.begin(), found->second.end(),
                                                  [](const auto& pair) { return pair.first != pair.second; });
  }
  [[nodiscard]] columnar::ArrayPtr rewritten(const columnar::ArrayPtr& ids, TypeRef type) const {
    if (!any_of(type)) return ids;
    const auto& names = by_type_.at(type);
    columnar::ArrayBuilder out(columnar::utf8());
    for (std::int64_t i = 0; i < ids->length(); ++i) {
      const auto found = names.find(std::string(ids->string_value(i)));
      out.append_string(found == names.end() ? ids->string_value(i) : std::string_view(found->second));
    }
    return out.finish();
  }

 private:
  std::map<TypeRef, std::unordered_map<std::string, std::string>> by_type_;
};

class Load {
 public:
  Load(const ByteSource& source, const schema::Catalog& catalog, const LoadParseOptions& options)
      : catalog_(catalog),
        options_(options),
        plan_(make_load_plan(catalog, options)),
        cutter_(source, options.parser, options.block_bytes),
        budget_(std::make_shared<graph::StagingBudget>(options.staging_memory_bytes)) {}

  Result<ParsedLoad> run() {
    BlockWindow window(plan_);
    Result<void> reading;
    for (bool more = true; more || !window.empty();) {
      while (more && window.has_room()) {
        auto block = cutter_.next();
        if (!block) reading = std::unexpected(block.error());
        more = block && block->has_value();
        if (more) window.add(std::move(**block));
      }
      if (!window.empty()) {
        LoadBlockResult result = window.take();
        OG_RETURN_IF_ERROR(take_over(result));
      }
      if (options_.progress) options_.progress(cutter_.bytes_read(), load_.record_count);
    }
    OG_RETURN_IF_ERROR(reading);
    OG_RETURN_IF_ERROR(report_rejected());
    OG_RETURN_IF_ERROR(rewrite_endpoints());
    return finish();
  }

 private:
  [[nodiscard]] Error placed(RecordError& error) const {
    const std::string number = std::to_string(places_ + error.record + 1);
    std::string& message = error.error.message;
    if (error.invalid_json) {
      message = (plan_.strict ? "invalid strict JSON at line " : "invalid JSON at record ") + number + ": " + message;
    } else {
      message = (plan_.strict ? "line " : "record ") + number + ": " + message;
    }
    return std::move(error.error);
  }

  Result<void> take_over(LoadBlockResult& block) {
    if (block.error) return std::unexpected(placed(*block.error));
    OG_RETURN_IF_ERROR(put_aside(block.aside));
    for (const IdSpelling& spelling : block.spellings) OG_RETURN_IF_ERROR(spellings_.add(spelling, catalog_));
    for (const PendingBlob& blob : block.blobs) {
      if (!options_.put_blob) return std::unexpected(internal_error("this load has no place for large blobs"));
      OG_RETURN_IF_ERROR(options_.put_blob(blob.key, std::as_bytes(std::span<const char>(blob.bytes))));
    }
    for (LoadBlockResult::Rows& rows : block.rows) {
      ParsedType& parsed = load_.types[rows.plan->type];
      parsed.entity_count += static_cast<std::uint64_t>(rows.batch.length);
      OG_RETURN_IF_ERROR(staged(parsed, *rows.plan, rows.generated_ids).append(std::move(rows.batch)));
    }
    places_ += block.places;
    load_.record_count += block.records;
    return {};
  }

  Result<void> put_aside(std::vector<RecordAside>& records) {
    for (RecordAside& record : records) {
      const std::uint64_t line = places_ + record.mistake.record + 1;
      load_.rejected.push_back({line, placed(record.mistake).message, readable_text(record.text)});
      rejected_bytes_ += load_.rejected.back().text.size();
    }
    if (records.empty()) return {};
    if (rejected_bytes_ > kRejectedTextBytesMax) {
      return std::unexpected(resource_limit("rejected_text_bytes", rejected_bytes_, kRejectedTextBytesMax));
    }
    if (load_.rejected.size() <= options_.rejects->max) return {};
    OG_RETURN_IF_ERROR(report_rejected());
    return std::unexpected(too_many_rejects(load_.rejected, options_.rejects->max));
  }

  Result<void> report_rejected() const {
    if (!options_.rejects || !options_.rejects->report) return {};
    return options_.rejects->report(load_.rejected);
  }

  graph::StagedRows& staged(ParsedType& parsed, const LoadTypePlan& plan, bool generated_ids) {
    std::shared_ptr<graph::StagedRows>& rows = staged_[{plan.type, generated_ids}];
    if (!rows) {
      rows = std::make_shared<graph::StagedRows>(catalog_, plan.type, budget_);
      parsed.parts.push_back({rows, generated_ids});
    }
    return *rows;
  }

  // Edges may precede the nodes they name, so other spellings are known only now.
  Result<void> rewrite_endpoints() {
    for (auto& [type, parsed] : load_.types) {
      if (type.kind != EntityKind::kEdge) continue;
      const schema::EdgeType& edge = catalog_.edges[type.index];
      const TypeRef source{EntityKind::kNode, edge.source_index};
      const TypeRef target{EntityKind::kNode, edge.target_index};
      if (!spellings_.any_of(source) && !spellings_.any_of(target)) continue;
      for (ParsedRows& part : parsed.parts) {
        auto rewritten = std::make_shared<graph::StagedRows>(catalog_, type, budget_);
        for (std::size_t i = 0; i < part.rows->batch_count(); ++i) {
          OG_ASSIGN_OR_RETURN(columnar::Batch batch, part.rows->batch(i));
          batch.columns[1] = spellings_.rewritten(batch.columns[1], source);
          batch.columns[2] = spellings_.rewritten(batch.columns[2], target);
          OG_RETURN_IF_ERROR(rewritten->append(std::move(batch)));
        }
        part.rows = std::move(rewritten);
      }
    }
    return {};
  }

  ParsedLoad finish() {
    load_.byte_count = cutter_.bytes_read();
    staged_.clear();
    return std::move(load_);
  }

  const schema::Catalog& catalog_;
  const LoadParseOptions& options_;
  const LoadPlan plan_;
  LoadCutter cutter_;
  std::shared_ptr<graph::StagingBudget> budget_;
  std::map<std::pair<TypeRef, bool>, std::shared_ptr<graph::StagedRows>> staged_;
  Spellings spellings_;
  ParsedLoad load_;
  std::uint64_t places_ = 0;  // lines or records of the blocks taken over
  std::uint64_t rejected_bytes_ = 0;
};

}  // namespace

KeyOrders key_orders_of(const graph::RecordSchema& schema) {
  constexpr std::string_view kNodePrefix = "node:";
  KeyOrders orders;
  for (const graph::TypeIdentity& type : schema.types) {
    if (type.key_order.empty() || !type.table_key.starts_with(kNodePrefix)) continue;
    orders.emplace(type.table_key.substr(kNodePrefix.size()), type.key_order);
  }
  return orders;
}

LoadPlan make_load_plan(const schema::Catalog& catalog, const LoadParseOptions& options) {
  LoadPlan plan{.catalog = &catalog,
                .external_blobs = &options.external_blobs,
                .strict = options.parser == LoadParser::kStrict,
                .puts_aside = options.rejects.has_value(),
                .nodes = {},
                .edges = {}};
  for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) {
    plan.nodes.push_back(type_plan(catalog, {EntityKind::kNode, i}, options));
  }
  for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) {
    plan.edges.push_back(type_plan(catalog, {EntityKind::kEdge, i}, options));
  }
  return plan;
}

Result<ParsedLoad> parse_load(const ByteSource& source, const schema::Catalog& catalog,
                              const LoadParseOptions& options) {
  return Load(source, catalog, options).run();
}

}  // namespace omnigraph::engine
