#include "server/request_log.h"

#include <chrono>

#include "base/hash.h"
#include "base/phase_clock.h"
#include "server/trace_context.h"

namespace omnigraph::server {

namespace {

constexpr std::size_t kDigestHexSize = 16;  // enough to tell texts apart and to look one up

std::int64_t whole_us(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

// Since the clock began; at least the sum of its phases.
std::chrono::nanoseconds whole_time(base::PhaseClock& clock) {
  std::chrono::nanoseconds whole{};
  for (std::size_t phase = 0; phase < base::kPhaseCount; ++phase) whole += clock.spent(static_cast<base::Phase>(phase));
  return whole;
}

}  // namespace

void append_request_ids(std::vector<LogField>& fields, const HttpRequest& request) {
  fields.emplace_back("request_id", request.id);
  if (const auto trace = parse_traceparent(request.header("traceparent"))) {
    fields.emplace_back("trace_id", trace->trace_id);
    fields.emplace_back("parent_id", trace->parent_id);
  }
}

void log_if_slow(const Call& call, const QueryRun& run) {
  base::PhaseClock& clock = *base::PhaseClock::current();
  const std::chrono::nanoseconds took = whole_time(clock);
  if (took < std::chrono::milliseconds(call.service.options().slow_query_ms)) return;
  if (!logs(LogLevel::kWarn, "query")) return;
  const std::string digest = base::sha256_hex(run.source).substr(0, kDigestHexSize);
  std::vector<LogField> fields = {{"graph", call.graph->id},
                                  {"query", run.name},
                                  {"kind", run.kind},
                                  {"source_digest", digest},
                                  {"duration_us", whole_us(took)}};
  if (run.rows) fields.emplace_back("rows", static_cast<std::int64_t>(*run.rows));
  using base::Phase;
  fields.emplace_back("storage_requests", static_cast<std::int64_t>(clock.requests()));
  fields.emplace_back("parse_us", whole_us(clock.spent(Phase::kParse)));
  fields.emplace_back("plan_us", whole_us(clock.spent(Phase::kPlan)));
  fields.emplace_back("execute_us", whole_us(clock.spent(Phase::kExecute)));
  fields.emplace_back("storage_us", whole_us(clock.spent(Phase::kStorage)));
  append_request_ids(fields, call.request);
  log_event(LogLevel::kWarn, "query", "slow query", fields);
}

}  // namespace omnigraph::server
