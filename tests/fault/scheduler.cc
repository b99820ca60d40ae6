#include "tests/fault/scheduler.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <thread>
#include <utility>

namespace omnigraph::fault {
namespace {

using objectstore::ObjectStore;
using objectstore::PutOutcome;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kRoundMax = 39 * 24 * kHour;
constexpr std::int64_t kSignatureValid = 15 * 60 * kSecond;
constexpr std::size_t kTraceMax = 400;

// A scheduled process does not wait for real.
thread_local bool skips_sleep = false;

std::unexpected<Error> lost(std::string_view what, std::string_view operation, std::string_view key) {
  std::string message = "injected fault: ";
  message.append(what).append(" ").append(operation).append(" of '").append(key).append("'");
  return std::unexpected(Error{.code = Code::kIoError, .message = std::move(message)});
}

}  // namespace

struct Scheduler::Waiter {
  std::condition_variable changed;
  bool granted = false;
  std::string what;
  bool may_be_late = false;
  Fate fate = Fate::kNone;
};

struct Scheduler::State final : Process {
  State(Scheduler& owner, std::size_t at, std::uint64_t seed)
      : scheduler(owner), number(at), generator(seed), handle(nullptr) {}
  std::shared_ptr<ObjectStore> store() override { return handle; }
  [[nodiscard]] bool dead() const override { return is_dead; }
  void revive() override;
  std::mt19937_64& random() override { return generator; }

  Scheduler& scheduler;
  const std::size_t number;
  std::mt19937_64 generator;
  std::function<void(Process&)> body;
  std::shared_ptr<ObjectStore> handle;
  std::deque<Waiter*> waiting;  // guarded by the scheduler's mutex
  bool done = false;            // guarded by the scheduler's mutex
  std::atomic<bool> is_dead = false;
};

// One process's view of the store. A revived process gets a new one; the old stays dead.
class Scheduler::Handle final : public ObjectStore, public std::enable_shared_from_this<Handle> {
 public:
  Handle(Scheduler& scheduler, State& process) : scheduler_(scheduler), process_(process) {}

  template <class Call>
  auto call(std::string_view operation, std::string_view key, Call&& effect) -> decltype(effect()) {
    if (dead_) return lost("dead before", operation, key);
    const Fate fate = scheduler_.turn(process_, operation, key);
    if (fate == Fate::kFailBefore) return lost("failed before", operation, key);
    if (fate == Fate::kCrashBefore) return die("crashed before", operation, key);
    auto outcome = effect();
    if (fate == Fate::kFailAfter) return lost("failed after", operation, key);
    if (fate == Fate::kCrashAfter) return die("crashed after", operation, key);
    return outcome;
  }

  Result<Buffer> get(std::string_view key, std::optional<objectstore::ByteRange> range) override {
    return call("get", key, [&] { return scheduler_.disk_->get(key, range); });
  }
  Result<objectstore::ObjectInfo> head(std::string_view key) override {
    return call("head", key, [&] { return scheduler_.disk_->head(key); });
  }
  Result<void> put(std::string_view key, std::span<const std::byte> body, objectstore::Durability durability) override {
    return call("put", key, [&] { return scheduler_.disk_->put(key, body, durability); });
  }
  Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                   objectstore::Durability durability) override {
    return call("put_if_absent", key, [&] { return scheduler_.disk_->put_if_absent(key, body, durability); });
  }
  Result<objectstore::MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                                 std::string_view etag) override {
    return call("put_if_match", key, [&] { return scheduler_.disk_->put_if_match(key, body, etag); });
  }
  Result<objectstore::Listing> list(std::string_view prefix, const objectstore::ListOptions& options) override {
    return call("list", prefix, [&] { return scheduler_.disk_->list(prefix, options); });
  }
  Result<void> remove(std::string_view key) override {
    return call("remove", key, [&] { return scheduler_.disk_->remove(key); });
  }
  Result<std::unique_ptr<objectstore::Upload>> open_upload(std::string_view key) override;
  Result<void> sync(std::string_view key) override {
    return call("sync", key, [&] { return scheduler_.disk_->sync(key); });
  }
  Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                             const BeforeEffect& before_effect) override;

 private:
  std::unexpected<Error> die(std::string_view what, std::string_view operation, std::string_view key) {
    dead_ = true;
    process_.is_dead = true;
    return lost(what, operation, key);
  }

  Scheduler& scheduler_;
  State& process_;
  std::atomic<bool> dead_ = false;
};

class Scheduler::Upload final : public objectstore::Upload {
 public:
  Upload(std::unique_ptr<objectstore::Upload> inner, std::shared_ptr<Handle> handle, std::string key)
      : inner_(std::move(inner)), handle_(std::move(handle)), key_(std::move(key)) {}
  Result<void> append(std::span<const std::byte> bytes) override {
    return handle_->call("append", key_, [&] { return inner_->append(bytes); });
  }
  Result<void> finish() override {
    return handle_->call("finish", key_, [&] { return inner_->finish(); });
  }

 private:
  const std::unique_ptr<objectstore::Upload> inner_;
  const std::shared_ptr<Handle> handle_;
  const std::string key_;
};

Result<std::unique_ptr<objectstore::Upload>> Scheduler::Handle::open_upload(std::string_view key) {
  OG_ASSIGN_OR_RETURN(auto inner, call("open_upload", key, [&] { return scheduler_.disk_->open_upload(key); }));
  return std::make_unique<Upload>(std::move(inner), shared_from_this(), std::string(key));
}

// Prepared in one turn, sent in another; much may happen between the two.
Result<PutOutcome> Scheduler::Handle::publish(std::string_view key, std::span<const std::byte> body,
                                              const BeforeEffect& before_effect) {
  OG_RETURN_IF_ERROR(call("prepare", key, [] { return Result<void>(); }));
  const std::int64_t signed_us = scheduler_.clock_.now_us();  // what the store judges a late request by
  bool late = false;
  Fate fate = Fate::kNone;
  const auto outcome = scheduler_.disk_->publish(key, body, [&]() -> Result<void> {
    OG_RETURN_IF_ERROR(before_effect());
    fate = scheduler_.turn(process_, "publish", key);
    if (fate == Fate::kFailBefore) return lost("failed before", "publish", key);
    if (fate == Fate::kCrashBefore) return die("crashed before", "publish", key);
    late = fate == Fate::kLate;
    return late ? Result<void>(lost("is under way, ", "publish", key)) : Result<void>();
  });
  if (late) scheduler_.late_.push_back({std::string(key), {body.begin(), body.end()}, signed_us});
  if (outcome && *outcome == PutOutcome::kCreated) scheduler_.note_record(key, body);
  if (fate == Fate::kFailAfter) return lost("failed after", "publish", key);
  if (fate == Fate::kCrashAfter) return die("crashed after", "publish", key);
  return outcome;
}

void Scheduler::State::revive() {
  handle = std::make_shared<Handle>(scheduler, *this);
  is_dead = false;
}

Scheduler::Scheduler(std::uint64_t seed, std::shared_ptr<ObjectStore> disk, ManualClock& clock, Chances chances)
    : disk_(std::move(disk)), clock_(clock), end_us_(clock.now_us() + kRoundMax), chances_(chances), random_(seed) {}

Scheduler::~Scheduler() = default;

void Scheduler::add_process(std::function<void(Process&)> body) {
  auto process = std::make_unique<State>(*this, processes_.size(), random_());
  process->body = std::move(body);
  process->revive();
  processes_.push_back(std::move(process));
}

Scheduler::Fate Scheduler::turn(State& process, std::string_view operation, std::string_view key) {
  Waiter waiter;
  waiter.what = "p" + std::to_string(process.number) + " ";
  waiter.what.append(operation).append(" ").append(key);
  waiter.may_be_late = operation == "publish";
  std::unique_lock lock(mutex_);
  process.waiting.push_back(&waiter);
  changed_.notify_all();
  waiter.changed.wait(lock, [&] { return waiter.granted; });
  return waiter.fate;
}

Scheduler::Fate Scheduler::draw_fate(bool may_be_late) {
  auto draw = static_cast<unsigned>(random_() % 1000);
  const auto falls = [&](unsigned chance) {
    if (draw < chance) return true;
    draw -= chance;
    return false;
  };
  if (falls(chances_.fail_before)) return Fate::kFailBefore;
  if (falls(chances_.fail_after)) return Fate::kFailAfter;
  if (falls(chances_.crash)) return random_() % 2 == 0 ? Fate::kCrashBefore : Fate::kCrashAfter;
  if (may_be_late && falls(chances_.late * 5)) return Fate::kLate;
  return Fate::kNone;
}

void Scheduler::let_time_pass() {
  constexpr std::int64_t kSpans[] = {10 * kSecond, 300 * kSecond, 1200 * kSecond, 2 * kHour, 25 * kHour, 72 * kHour};
  const std::int64_t span = kSpans[random_() % std::size(kSpans)];
  if (clock_.now_us() + span > end_us_) return;
  clock_.advance_us(span);
  trace_.push_back("time passes: " + std::to_string(span / kSecond) + " s");
}

void Scheduler::land_something() {
  if (late_.empty()) return;
  const std::size_t at = random_() % late_.size();
  const LateRequest request = std::move(late_[at]);
  late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(at));
  if (clock_.now_us() - request.signed_us > kSignatureValid) return;
  const auto outcome = disk_->put_if_absent(request.key, request.body);
  const bool created = outcome && *outcome == PutOutcome::kCreated;
  trace_.push_back("late " + request.key + (created ? " lands" : " finds its slot taken"));
  if (created) note_record(request.key, request.body);
}

void Scheduler::note_record(std::string_view key, std::span<const std::byte> body) {
  if (record_seen_) record_seen_(key, body);
}

void Scheduler::run() {
  std::vector<std::jthread> threads;
  std::unique_lock lock(mutex_);
  const auto all_wait = [&] {
    return std::ranges::all_of(processes_, [](const auto& p) { return p->done || !p->waiting.empty(); });
  };
  for (const std::unique_ptr<State>& process : processes_) {
    threads.emplace_back([this, &state = *process] {
      skips_sleep = true;
      state.body(state);
      const std::lock_guard done(mutex_);
      state.done = true;
      changed_.notify_all();
    });
  }
  while (true) {
    if (!changed_.wait_for(lock, std::chrono::minutes(5), all_wait)) {
      std::fputs(("a process neither ends nor asks for its turn\n" + trace()).c_str(), stderr);
      std::abort();
    }
    std::vector<State*> ready;
    for (const auto& process : processes_) {
      if (!process->waiting.empty()) ready.push_back(process.get());
    }
    if (ready.empty()) return;
    if (random_() % 1000 < chances_.clock) let_time_pass();
    if (random_() % 4 == 0) land_something();
    if (between_turns_ && random_() % 50 == 0) between_turns_();
    State& next = *ready[random_() % ready.size()];
    Waiter& waiter = *next.waiting.front();
    next.waiting.pop_front();
    waiter.fate = draw_fate(waiter.may_be_late);
    waiter.granted = true;
    constexpr std::string_view kNames[] = {"",       ": FAILS BEFORE", ": FAILS AFTER",
                                           ": LATE", ": CRASH BEFORE", ": CRASH AFTER"};
    trace_.push_back(waiter.what.append(kNames[static_cast<std::size_t>(waiter.fate)]));
    while (trace_.size() > kTraceMax) trace_.pop_front();
    waiter.changed.notify_one();
  }
}

std::string Scheduler::trace() const {
  std::string out;
  for (const std::string& line : trace_) out.append(line).append("\n");
  return out;
}

}  // namespace omnigraph::fault

// Pauses before another try: for a scheduled process time is the scheduler's.
extern "C" int nanosleep(const timespec* wanted, timespec* left) {
  if (omnigraph::fault::skips_sleep) return 0;
  return static_cast<int>(::syscall(SYS_nanosleep, wanted, left));
}
