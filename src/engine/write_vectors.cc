#include "engine/write_vectors.h"

#include <algorithm>

#include "graph/layout.h"

namespace omnigraph::engine {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{4} << 20;
// Texts that are handed to the embedder at once: some batches for each request in flight.
constexpr std::size_t kWindowTexts = 16 * embed::kBatchTextsMax;
constexpr std::size_t kWindowVectorBytesMax = std::size_t{32} << 20;
// A head that moves on and on is not waited for.
constexpr int kHeadChecksMax = 8;

}  // namespace

VectorsByText::VectorsByText(std::uint32_t dimension)
    : dimension_(dimension), chunk_vectors_(std::max<std::size_t>(1, kChunkBytes / (sizeof(float) * dimension))) {}

bool VectorsByText::has(std::string_view text) const {
  return places_.find(graph::value_hash(text)) != graph::IdTable::kNone;
}

void VectorsByText::read(std::string_view text, std::span<float> out) const {
  const std::uint32_t place = places_.find(graph::value_hash(text));
  OG_CHECK(place != graph::IdTable::kNone && out.size() == dimension_);
  const Chunk& chunk = chunks_[place / chunk_vectors_];
  const auto* values =
      chunk.spilled.empty() ? chunk.values.data() : reinterpret_cast<const float*>(chunk.spilled.data());
  std::copy_n(values + place % chunk_vectors_ * dimension_, dimension_, out.begin());
}

Result<void> VectorsByText::add(std::string_view text, const std::vector<float>& vector, std::uint64_t& memory_left,
                                std::shared_ptr<graph::SpillFile>& file) {
  OG_CHECK(vector.size() == dimension_);
  if (has(text)) return {};
  if (count_ == graph::IdTable::kNone - 1) {
    return std::unexpected(Error{Code::kResourceLimit, "one write embeds at most 2^32-2 different texts"});
  }
  if (count_ % chunk_vectors_ == 0) chunks_.emplace_back();
  Chunk& chunk = chunks_.back();
  chunk.values.insert(chunk.values.end(), vector.begin(), vector.end());
  places_.put(graph::value_hash(text), count_++);
  if (count_ % chunk_vectors_ != 0) return {};
  const std::uint64_t bytes = chunk.values.size() * sizeof(float);
  if (bytes > memory_left) return spill(chunk, file);
  memory_left -= bytes;
  return {};
}

Result<void> VectorsByText::spill(Chunk& chunk, std::shared_ptr<graph::SpillFile>& file) const {
  if (file == nullptr) {
    OG_ASSIGN_OR_RETURN(file, graph::SpillFile::create());
  }
  file->begin_region();
  OG_RETURN_IF_ERROR(file->append(std::as_bytes(std::span(chunk.values))));
  OG_ASSIGN_OR_RETURN(chunk.spilled, file->map(file->end_region()));
  chunk.values = {};
  return {};
}

bool WriteVectors::has(std::string_view text, std::uint32_t dimension) const {
  const auto vectors = by_dimension_.find(dimension);
  return vectors != by_dimension_.end() && vectors->second.has(text);
}

void WriteVectors::read(std::string_view text, std::span<float> out) const {
  by_dimension_.at(static_cast<std::uint32_t>(out.size())).read(text, out);
}

const schema::Property& WriteVectors::property_of(const graph::MissingTexts& missing) const {
  return base_->catalog()->properties_of(missing.rows->type())[missing.column.property];
}

std::string WriteVectors::place_of(const graph::MissingTexts& missing) const {
  return base_->catalog()->name_of(missing.rows->type()) + "." + property_of(missing).name;
}

Result<void> WriteVectors::check_models(const embed::TextEmbedder& embedder) const {
  for (const graph::MissingTexts& missing : missing_) {
    const std::string& recorded = property_of(missing).embed->model;
    if (recorded.empty() || recorded == embedder.model()) continue;
    return std::unexpected(bad_request("@embed on " + place_of(missing) + ": its vectors come from model '" + recorded +
                                       "' but the resolved embedding model is '" + embedder.model() +
                                       "'; set OMNIGRAPH_EMBED_MODEL to the recorded model"));
  }
  return {};
}

Result<void> WriteVectors::embed_missing() {
  OG_ASSIGN_OR_RETURN(const std::shared_ptr<embed::TextEmbedder> embedder, make_embedder_());
  OG_RETURN_IF_ERROR(check_models(*embedder));
  for (const graph::MissingTexts& missing : missing_) OG_RETURN_IF_ERROR(embed_column(missing, *embedder));
  return {};
}

Result<void> WriteVectors::embed_column(const graph::MissingTexts& missing, embed::TextEmbedder& embedder) {
  const std::size_t system = graph::staged_system_columns(missing.rows->type().kind);
  const std::size_t vector_bytes = sizeof(float) * missing.column.dimension;
  const std::size_t window_max =
      std::clamp<std::size_t>(kWindowVectorBytesMax / vector_bytes, embed::kBatchTextsMax, kWindowTexts);
  for (std::size_t batch = 0; batch < missing.rows->batch_count(); ++batch) {
    const std::uint64_t first = missing.rows->batch_start(batch);
    const std::uint64_t end = first + missing.rows->batch_rows(batch);
    columnar::ArrayPtr texts, ids;
    std::vector<std::int64_t> window;
    for (std::uint64_t row = first; row < end; ++row) {
      if (!missing.wanted[row]) continue;
      if (texts == nullptr) {
        OG_ASSIGN_OR_RETURN(texts, missing.rows->column(batch, system + missing.column.source));
        OG_ASSIGN_OR_RETURN(ids, missing.rows->column(batch, 0));
      }
      const auto at = static_cast<std::int64_t>(row - first);
      if (has(texts->string_value(at), missing.column.dimension)) continue;  // of a window before
      window.push_back(at);
      if (window.size() < window_max) continue;
      OG_RETURN_IF_ERROR(embed_window(missing, *texts, *ids, window, embedder));
      window.clear();
    }
    if (!window.empty()) OG_RETURN_IF_ERROR(embed_window(missing, *texts, *ids, window, embedder));
  }
  return {};
}

Result<void> WriteVectors::embed_window(const graph::MissingTexts& missing, const columnar::Array& texts,
                                        const columnar::Array& ids, const std::vector<std::int64_t>& window,
                                        embed::TextEmbedder& embedder) {
  std::vector<std::string_view> asked;
  asked.reserve(window.size());
  for (const std::int64_t at : window) asked.push_back(texts.string_value(at));
  const std::uint32_t dimension = missing.column.dimension;
  auto vectors = embedder.embed_texts(asked, dimension, embed::Role::kDocument);
  if (!vectors) {
    Error error = std::move(vectors).error().error;
    const std::string id(ids.string_value(window[vectors.error().text]));
    error.message = "embedding " + place_of(missing) + " for '" + id + "': " + error.message;
    return std::unexpected(std::move(error));
  }
  VectorsByText& known = by_dimension_.try_emplace(dimension, dimension).first->second;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    OG_RETURN_IF_ERROR(known.add(asked[i], (*vectors)[i], memory_left_, file_));
  }
  return {};
}

std::shared_ptr<const graph::VectorFill> fill_of(const schema::Catalog& catalog, schema::TypeRef type,
                                                 const std::shared_ptr<WriteVectors>& vectors) {
  if (vectors == nullptr) return nullptr;
  auto fill = std::make_shared<graph::VectorFill>();
  fill->vectors = vectors;
  for (const graph::FilledColumn& column : graph::filled_columns(catalog, type)) fill->columns.push_back({column});
  return fill->columns.empty() ? nullptr : std::move(fill);
}

Result<graph::WriteOutcome> write_with_vectors(graph::GraphStore& store, const graph::WriteOptions& options,
                                               const graph::WriteBody& body,
                                               const std::shared_ptr<WriteVectors>& vectors) {
  if (vectors == nullptr) return store.write(options, body);
  const auto attempt = [&](graph::WriteTransaction& transaction) -> Result<void> {
    vectors->begin_attempt(transaction.base());
    return body(transaction);
  };
  for (int checks = 0;;) {
    auto outcome = store.write(options, attempt);
    if (outcome || outcome.error().code != Code::kCancelled || !vectors->lacks_any()) return outcome;
    // No text leaves before the write was found right on the newest head. A branch that is still to be made has none.
    if (checks++ < kHeadChecksMax) {
      const auto head = store.head(options.branch);
      if (head && (*head)->commit_id() != vectors->base()->commit_id()) continue;
    }
    OG_RETURN_IF_ERROR(vectors->embed_missing());
  }
}

}  // namespace omnigraph::engine
