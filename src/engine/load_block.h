// A piece of the input of a load, and the columns made of it. Inner to the load parser: blocks are cut one after the
// other, parsed in parallel and taken over in order.
// Thread safety: values; parse_block() may run concurrently on different blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "engine/load_parser.h"
#include "schema/catalog.h"
#include "schema/value_check.h"

namespace omnigraph::engine {

// simdjson reads this far beyond a text.
inline constexpr std::size_t kJsonPadding = 64;

struct LoadBlock {
  std::string bytes;  // `size` bytes of input, then kJsonPadding of anything
  std::size_t size = 0;
  // Permissive only: where each record lies. Strict blocks consist of whole lines.
  std::vector<std::pair<std::size_t, std::size_t>> records;  // offset, length
};

// Cuts the source into blocks of about `block_bytes` at line or record ends.
class LoadCutter {
 public:
  LoadCutter(const ByteSource& source, LoadParser parser, std::size_t block_bytes)
      : source_(&source), strict_(parser == LoadParser::kStrict), block_bytes_(block_bytes) {}

  // nullopt: the end. Errors: those of the source; kResourceLimit for a line without end.
  [[nodiscard]] Result<std::optional<LoadBlock>> next();
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  [[nodiscard]] Result<void> fill();
  [[nodiscard]] std::size_t scan_lines() const;
  [[nodiscard]] std::size_t scan_records();

  const ByteSource* source_;
  const bool strict_;
  const std::size_t block_bytes_;
  std::string pending_;  // read and not yet handed out
  bool ended_ = false;
  std::uint64_t bytes_read_ = 0;
  // Permissive: the scanner's state behind `scanned_` bytes of pending_.
  std::vector<std::pair<std::size_t, std::size_t>> records_;
  std::size_t scanned_ = 0, record_start_ = 0, depth_ = 0;
  bool in_record_ = false, in_string_ = false, escaped_ = false;
};

// What the parser needs to know about one type, computed once a load.
struct LoadTypePlan {
  schema::TypeRef type;
  std::string name;
  const std::vector<schema::Property>* properties = nullptr;
  std::vector<columnar::DataType> column_types;  // of the properties
  std::vector<std::size_t> key;                  // properties of @key in id order; empty: no key
  // The id column is the column of this property (one String or enum in the key).
  std::optional<std::size_t> id_property;
  // Where records are put aside: missing values and enum members; else null.
  std::shared_ptr<const schema::TypeValueChecker> typing;
  [[nodiscard]] bool is_edge() const { return type.kind == schema::EntityKind::kEdge; }
};

struct LoadPlan {
  const schema::Catalog* catalog = nullptr;
  const ExternalBlobs* external_blobs = nullptr;  // never null
  bool strict = true;
  bool puts_aside = false;                 // bad records are noted and left out; else the first one ends the load
  std::vector<LoadTypePlan> nodes, edges;  // as in the catalog
};
[[nodiscard]] LoadPlan make_load_plan(const schema::Catalog& catalog, const LoadParseOptions& options);

struct PendingBlob {
  std::string key;
  std::string bytes;
};

// A keyed node that was named by another spelling of its key (permissive).
struct IdSpelling {
  schema::TypeRef type;
  std::string spelled;
  std::string canonical;
};

// A mistake, with its place in the block.
struct RecordError {
  std::uint64_t record = 0;   // line or record, from 0 within the block
  bool invalid_json = false;  // the message is the detail of `invalid strict JSON at line N`
  Error error;
};

struct RecordAside {
  RecordError mistake;
  std::string text{};  // of the record
};

struct LoadBlockResult {
  struct Rows {
    const LoadTypePlan* plan = nullptr;
    bool generated_ids = false;
    columnar::Batch batch;
  };
  std::vector<Rows> rows;
  std::vector<PendingBlob> blobs;
  std::vector<IdSpelling> spellings;
  std::uint64_t places = 0;          // lines or records, to number those of the next block
  std::uint64_t records = 0;         // entities
  std::optional<RecordError> error;  // of the first bad record; the rest was not parsed
  std::vector<RecordAside> aside;    // by record
};

[[nodiscard]] LoadBlockResult parse_block(const LoadPlan& plan, const LoadBlock& block);

}  // namespace omnigraph::engine
