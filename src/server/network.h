// What all connections of one process share: the event loop's threads, places for handlers and streams, deadlines.
// Thread safety: all methods may be called concurrently.
//
// Handlers run on the network threads themselves: a request that needs no waiting costs no change of threads. Handlers
// may block on storage, so a watcher adds threads whenever every one of them sleeps inside a handler, or has been
// computing in one for long, and fewer handlers are let in than there can be threads: the network never stands still.
// Threads that merely wait for a processor are left alone: more of them would only wait longer. Threads that no
// sleeping handler has needed for a while are parked: with many of them ready, every event wakes another one. The
// watcher rests while nobody is in a handler, so a server without requests sleeps. Whatever a client paces (the body of
// a load, the reading of an export) runs on a thread of its own instead.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/reloadable.h"
#include "server/transport.h"

namespace omnigraph::server {

inline constexpr std::size_t kHandlersMax = 32;  // beyond this requests queue
inline constexpr std::size_t kThreadsMax = kHandlersMax + 2;

// The threads that run the event loop, growing while handlers block.
class NetworkThreads {
 public:
  explicit NetworkThreads(boost::asio::io_context& io) : io_(io) {}
  ~NetworkThreads() { join(); }
  NetworkThreads(const NetworkThreads&) = delete;
  NetworkThreads& operator=(const NetworkThreads&) = delete;

  void run();   // until the event loop is stopped; the caller is one of the threads
  void join();  // REQUIRES: the event loop has stopped

  // Threads in the loop, parked ones not counted.
  [[nodiscard]] std::size_t active() const;
  // Whether the watcher waits for the next handler to be entered.
  [[nodiscard]] bool resting() const { return resting_; }

  // Marks the calling thread as inside a handler while it lives.
  class InHandler {
   public:
    InHandler();
    ~InHandler();
    InHandler(const InHandler&) = delete;
    InHandler& operator=(const InHandler&) = delete;
  };

 private:
  void add();
  void grow(std::size_t more);
  void park_one();
  void park_here();
  void watch();
  void rest();
  void wake_watcher();
  [[nodiscard]] bool is_anyone_in_handler() const;
  // Threads whose handler waits for storage, or has been computing for long.
  [[nodiscard]] std::size_t stuck() const;

  boost::asio::io_context& io_;
  std::array<std::atomic<std::int64_t>, kThreadsMax> entered_{};  // when its handler began, 0: none
  std::array<std::atomic<int>, kThreadsMax> system_ids_{};
  std::atomic<std::size_t> count_{0};
  std::size_t first_ = 0;             // so many are never parked
  std::vector<std::thread> threads_;  // changed by run() and the watcher
  std::thread watcher_;
  mutable std::mutex park_mutex_;
  std::condition_variable unparked_, entered_one_;
  std::size_t parked_ = 0;            // guarded by park_mutex_; those on their way included
  std::size_t unpark_ = 0;            // guarded by park_mutex_; so many are called back
  std::atomic<bool> resting_{false};  // set under park_mutex_
  std::atomic<bool> ending_{false};
};

// A counted resource that coroutines wait for in turn.
class Places {
 public:
  explicit Places(std::size_t count) : free_(count) {}

  class Place {
   public:
    explicit Place(Places* owner) : owner_(owner) {}
    Place(Place&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (owner_ != nullptr) owner_->give_back();
    }
    explicit operator bool() const { return owner_ != nullptr; }

   private:
    Places* owner_;
  };

  // An empty place when `patience` is over. Called on the strand of the waiting connection.
  [[nodiscard]] boost::asio::awaitable<Place> take(std::chrono::milliseconds patience);

 private:
  struct Waiter {
    boost::asio::steady_timer* timer;
    bool served = false;
  };
  void give_back();
  std::mutex mutex_;
  std::size_t free_;                             // guarded by mutex_
  std::deque<std::shared_ptr<Waiter>> waiting_;  // guarded by mutex_
};

struct Timeouts {
  std::chrono::milliseconds header{30'000};    // from the first byte of a request to the end of its headers
  std::chrono::milliseconds idle{120'000};     // between requests
  std::chrono::milliseconds progress{60'000};  // of a body, without a byte
};

class Session;

// Connections, so that those past their deadline can be ended.
class Sessions {
 public:
  void add(const std::shared_ptr<Session>& session);
  void remove(Session* session);
  [[nodiscard]] std::vector<std::shared_ptr<Session>> all();
  [[nodiscard]] std::size_t count();

 private:
  std::mutex mutex_;
  std::unordered_set<Session*> sessions_;  // guarded by mutex_
};

inline constexpr std::size_t kStreamsMax = 64;  // exports and baselines under way

struct Network {
  explicit Network(std::shared_ptr<Reloadable> served) : reloadable(std::move(served)) {}
  std::shared_ptr<Reloadable> reloadable;
  std::shared_ptr<TlsContext> tls;
  Timeouts timeouts;
  Places handlers{kHandlersMax};
  Places streams{kStreamsMax};
  Sessions sessions;
  std::atomic<std::uint64_t> running{0};         // requests between header and last byte
  std::atomic<std::uint64_t> client_threads{0};  // threads that clients pace
  std::atomic<bool> stopping{false};
  // Last: what its end takes with it uses the members above.
  boost::asio::io_context io;
  NetworkThreads threads{io};
};

// Serves one connection until it ends.
void start_session(boost::asio::ip::tcp::socket socket, Network& network);
// Ends connections whose deadline is over; with `idle_too` those that wait for a request as well.
void sweep_sessions(Network& network, bool idle_too);

}  // namespace omnigraph::server
