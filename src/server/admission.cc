#include "server/admission.h"

namespace omnigraph::server {

Result<Admission::Ticket> Admission::admit(const std::string& actor, std::uint64_t bytes) {
  const std::string who = actor.empty() ? "anonymous" : actor;
  const std::lock_guard lock(mutex_);
  Use& use = uses_[who];
  std::string refusal;
  if (use.requests >= inflight_max_) {
    refusal = "actor in-flight count cap " + std::to_string(inflight_max_) + " exceeded";
  } else if (bytes > bytes_max_ || use.bytes > bytes_max_ - bytes) {
    refusal = "actor byte budget exceeded: would use " + std::to_string(use.bytes + bytes) + " bytes against cap " +
              std::to_string(bytes_max_);
  }
  if (!refusal.empty()) {
    if (use.requests == 0) uses_.erase(who);
    return std::unexpected(Error{Code::kTooManyRequests, refusal});
  }
  ++use.requests;
  use.bytes += bytes;
  return Ticket(this, who, bytes);
}

void Admission::release(const std::string& actor, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto at = uses_.find(actor);
  if (at == uses_.end()) return;
  at->second.bytes -= bytes;
  if (--at->second.requests == 0) uses_.erase(at);
}

}  // namespace omnigraph::server
