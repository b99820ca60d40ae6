#include "exec/profiler.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "exec/plan_text.h"

namespace omnigraph::exec {
namespace {

std::uint64_t nanoseconds_since(Profiler::Clock::time_point start) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Profiler::Clock::now() - start).count());
}

std::uint64_t bytes_of(const Tuples& batch) {
  std::uint64_t bytes = batch.weights.size() * sizeof(std::uint64_t);
  for (const auto& column : batch.columns) bytes += column.size() * sizeof(Ordinal);
  return bytes;
}

class MeterStage final : public Stage {
 public:
  MeterStage(Profiler::Meter& meter, Stage& next) : meter_(meter), next_(next) {}

  void push(const Tuples& batch) override {
    meter_.rows += batch.size;
    meter_.represented += batch.weights.empty()
                              ? batch.size
                              : std::accumulate(batch.weights.begin(), batch.weights.end(), std::uint64_t{0});
    meter_.batches += 1;
    meter_.bytes += bytes_of(batch);
    const auto start = Profiler::Clock::now();
    next_.push(batch);
    meter_.nanoseconds += nanoseconds_since(start);
  }
  bool take_selected(const Selection& selection) override {
    const auto start = Profiler::Clock::now();
    if (!next_.take_selected(selection)) return false;
    meter_.nanoseconds += nanoseconds_since(start);
    const std::size_t rows = selection.passing();
    meter_.rows += rows;
    meter_.represented += rows;
    meter_.batches += rows > 0 ? 1 : 0;
    meter_.bytes += rows > 0 ? selection.words().size_bytes() : 0;
    return true;
  }
  void finish() override {
    const auto start = Profiler::Clock::now();
    next_.finish();
    meter_.nanoseconds += nanoseconds_since(start);
  }

 private:
  Profiler::Meter& meter_;
  Stage& next_;
};

}  // namespace

void Profiler::watch(const Pipeline& pipeline, const Runtime& runtime, std::string sink, std::string sink_detail) {
  root_ = Node{};
  root_.text.name = std::move(sink);
  root_.text.detail = std::move(sink_detail);
  root_.children.push_back(list(pipeline, runtime));
  root_.inclusive = &watched_.at(&pipeline).meters.back().nanoseconds;
}

// The last element of the pipeline, with those before it below.
Profiler::Node Profiler::list(const Pipeline& pipeline, const Runtime& runtime) {
  Watched& watched = watched_[&pipeline];
  watched.meters.resize(pipeline.operators.size() + 1);
  Node last;
  last.text = pipeline.source.has_value() ? text_of_source(*pipeline.source, runtime) : text_of_input(pipeline);
  last.handed_on = &watched.meters[0];
  if (pipeline.source.has_value()) {
    last.inclusive = &watched.source_nanoseconds;
    last.behind = &watched.meters[0].nanoseconds;
  }
  for (std::size_t i = 0; i < pipeline.operators.size(); ++i) {
    const Operator& op = *pipeline.operators[i];
    Node node;
    node.text = text_of_operator(op, runtime);
    node.handed_on = &watched.meters[i + 1];
    node.inclusive = &watched.meters[i].nanoseconds;
    node.behind = &watched.meters[i + 1].nanoseconds;
    node.children.push_back(std::move(last));
    if (const Pipeline* inner = op.inner_pipeline(); inner != nullptr) {
      node.children.push_back(list(*inner, runtime));
      // A part with a source of its own runs before the first row comes.
      if (!inner->source.has_value()) node.within.push_back(&watched_.at(inner).meters[0].nanoseconds);
    }
    last = std::move(node);
  }
  return last;
}

void Profiler::end_run(std::size_t threads) {
  threads_ = threads;
  ran_ = Clock::now();
}

OperatorProfile Profiler::measured(const Node& node) const {
  OperatorProfile out = node.text;
  if (node.handed_on != nullptr) {
    out.rows = node.handed_on->rows;
    out.represented = node.handed_on->represented;
    out.batches = node.handed_on->batches;
    out.bytes = node.handed_on->bytes;
  }
  std::uint64_t own = node.inclusive == nullptr ? 0 : node.inclusive->load();
  const auto without = [&](const std::atomic<std::uint64_t>* part) { own -= std::min(own, part->load()); };
  if (node.behind != nullptr) without(node.behind);
  for (const auto* part : node.within) without(part);
  out.time_us = static_cast<double>(own) / 1000;
  for (const Node& child : node.children) out.children.push_back(measured(child));
  return out;
}

std::vector<OperatorProfile> Profiler::profile(std::uint64_t result_rows) const {
  std::vector<OperatorProfile> out;
  out.push_back(measured(root_));
  if (ran_ == Clock::time_point()) return out;
  out[0].rows = result_rows;
  out[0].represented = result_rows;
  out[0].time_us += static_cast<double>(nanoseconds_since(ran_)) / 1000;
  return out;
}

std::unique_ptr<Stage> Profiler::meter(const Pipeline& pipeline, std::size_t i, Stage& next) {
  return std::make_unique<MeterStage>(watched_.at(&pipeline).meters[i], next);
}

Profiler::SourceTimer::SourceTimer(Profiler* profiler, const Pipeline& pipeline) {
  if (profiler == nullptr) return;
  nanoseconds_ = &profiler->watched_.at(&pipeline).source_nanoseconds;
  start_ = Clock::now();
}

Profiler::SourceTimer::~SourceTimer() {
  if (nanoseconds_ != nullptr) *nanoseconds_ += nanoseconds_since(start_);
}

}  // namespace omnigraph::exec
