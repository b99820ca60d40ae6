#include "server/network.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace omnigraph::server {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

thread_local NetworkThreads* this_thread_owner = nullptr;
thread_local std::atomic<std::int64_t>* this_thread_entered = nullptr;

// A handler that sleeps after so long is taken to be waiting for storage; one that runs, to be at it for a while.
constexpr std::int64_t kSleepsAfterUs = 3'000;
constexpr std::int64_t kBusyAfterUs = 50'000;
constexpr auto kWatchInterval = std::chrono::milliseconds(5);
// Threads are parked by what the last so many looks have seen, and the watcher rests after so many that saw nobody: a
// second.
constexpr int kLooksToPark = 200;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
}

// The kernel's word on a thread of this process: on a processor, or waiting for one (proc(5), field `state`).
bool is_running(int system_id) {
  const std::string path = "/proc/self/task/" + std::to_string(system_id) + "/stat";
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::array<char, 128> text{};
  const ssize_t size = read(file, text.data(), text.size());
  close(file);
  const std::string_view stat(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string_view::npos && name_end + 2 < stat.size() && stat[name_end + 2] == 'R';
}

}  // namespace

// Entered is stored before resting is read, and rest() does it the other way round: one of the two sees the other.
NetworkThreads::InHandler::InHandler() {
  if (this_thread_entered == nullptr) return;
  this_thread_entered->store(now_us());
  if (this_thread_owner->resting_) this_thread_owner->wake_watcher();
}

NetworkThreads::InHandler::~InHandler() {
  if (this_thread_entered != nullptr) this_thread_entered->store(0, std::memory_order_relaxed);
}

void NetworkThreads::run() {
  first_ = std::min<std::size_t>(std::max(2U, std::thread::hardware_concurrency()), kThreadsMax);
  this_thread_owner = this;
  this_thread_entered = &entered_[0];
  system_ids_[0] = gettid();
  count_ = 1;
  while (count_ < first_) add();
  watcher_ = std::thread([this] { watch(); });
  io_.run();
}

void NetworkThreads::add() {
  const std::size_t slot = count_.load();
  if (slot == kThreadsMax) return;
  threads_.emplace_back([this, slot] {
    this_thread_owner = this;
    this_thread_entered = &entered_[slot];
    system_ids_[slot] = gettid();
    io_.run();
  });
  count_.store(slot + 1);
}

std::size_t NetworkThreads::active() const {
  const std::lock_guard lock(park_mutex_);
  return count_ - parked_;
}

// Parked threads come back first.
void NetworkThreads::grow(std::size_t more) {
  {
    const std::lock_guard lock(park_mutex_);
    const std::size_t back = std::min(more, parked_);
    parked_ -= back;
    unpark_ += back;
    more -= back;
  }
  unparked_.notify_all();
  while (more-- != 0) add();
}

void NetworkThreads::park_one() {
  {
    const std::lock_guard lock(park_mutex_);
    ++parked_;
  }
  asio::post(io_, [this] { park_here(); });
}

// Runs on whatever thread takes it from the loop, and keeps that one from it.
void NetworkThreads::park_here() {
  std::unique_lock lock(park_mutex_);
  if (this_thread_entered == &entered_[0]) {
    // run() has to return when the loop is stopped, so its thread does not park; the watcher will ask again.
    --(unpark_ != 0 ? unpark_ : parked_);
    resting_ = false;
    entered_one_.notify_one();
    return;
  }
  unparked_.wait(lock, [this] { return unpark_ != 0 || ending_; });
  if (unpark_ != 0) --unpark_;
}

std::size_t NetworkThreads::stuck() const {
  const std::int64_t now = now_us();
  std::size_t stuck = 0;
  for (std::size_t i = 0; i < count_.load(); ++i) {
    const std::int64_t entered = entered_[i].load(std::memory_order_relaxed);
    if (entered == 0 || now - entered < kSleepsAfterUs) continue;
    if (now - entered < kBusyAfterUs && is_running(system_ids_[i].load(std::memory_order_relaxed))) continue;
    ++stuck;
  }
  return stuck;
}

void NetworkThreads::watch() {
  std::size_t stuck_max = 0;
  int idle_looks = 0;
  for (int look = 1; !ending_; ++look) {
    std::this_thread::sleep_for(kWatchInterval);
    idle_looks = is_anyone_in_handler() ? 0 : idle_looks + 1;
    const std::size_t now_stuck = stuck(), now_active = active();
    stuck_max = std::max(stuck_max, now_stuck);
    // By half, so that a burst of waiting requests is met within a few looks.
    if (now_stuck >= now_active) grow(std::max<std::size_t>(1, now_active / 2));
    if (look % kLooksToPark != 0) continue;
    for (std::size_t spare = active(); spare > first_ + stuck_max; --spare) park_one();
    stuck_max = 0;
    if (idle_looks > kLooksToPark && active() <= first_) {
      rest();
      idle_looks = 0;
    }
  }
}

bool NetworkThreads::is_anyone_in_handler() const {
  const auto end = entered_.begin() + static_cast<std::ptrdiff_t>(count_.load());
  return std::any_of(entered_.begin(), end, [](const auto& entered) { return entered.load() != 0; });
}

void NetworkThreads::rest() {
  std::unique_lock lock(park_mutex_);
  resting_ = true;
  entered_one_.wait(lock, [this] { return !resting_ || ending_ || is_anyone_in_handler(); });
  resting_ = false;
}

void NetworkThreads::wake_watcher() {
  {
    const std::lock_guard lock(park_mutex_);
    resting_ = false;
  }
  entered_one_.notify_one();
}

void NetworkThreads::join() {
  {
    const std::lock_guard lock(park_mutex_);
    ending_ = true;
  }
  unparked_.notify_all();
  entered_one_.notify_one();
  if (watcher_.joinable()) watcher_.join();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

asio::awaitable<Places::Place> Places::take(std::chrono::milliseconds patience) {
  std::shared_ptr<Waiter> waiter;
  {
    const std::lock_guard lock(mutex_);
    if (free_ != 0) {
      --free_;
      co_return Place(this);
    }
  }
  asio::steady_timer timer(co_await asio::this_coro::executor, patience);
  waiter = std::make_shared<Waiter>(Waiter{&timer});
  {
    const std::lock_guard lock(mutex_);
    if (free_ != 0) {
      --free_;
      co_return Place(this);
    }
    waiting_.push_back(waiter);
  }
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  const std::lock_guard lock(mutex_);
  // Whoever gave the place back took the waiter out of the queue.
  if (waiter->served) co_return Place(this);
  std::erase(waiting_, waiter);
  co_return Place(nullptr);
}

void Places::give_back() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  const std::shared_ptr<Waiter> next = waiting_.front();
  waiting_.pop_front();
  next->served = true;
  // On the waiter's strand it is waiting already, or gone; the timer is looked at there only.
  asio::post(next->timer->get_executor(), [next, timer = next->timer] {
    if (next.use_count() > 1) timer->cancel();
  });
}

void Sessions::add(const std::shared_ptr<Session>& session) {
  const std::lock_guard lock(mutex_);
  sessions_.insert(session.get());
}

void Sessions::remove(Session* session) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(session);
}

std::size_t Sessions::count() {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace omnigraph::server
