// What is undone or said when SIGINT or SIGTERM ends the process. Thread safety: all functions, concurrently.
#pragma once

#include <functional>
#include <list>

namespace omnigraph::cli {

// `action` runs once, on another thread, if the process is interrupted while this object lives. It must not wait for
// the thread that registered it; the object's end waits for a running action, and so for the end of the process.
class OnInterrupt {
 public:
  explicit OnInterrupt(std::function<void()> action);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

 private:
  std::list<std::function<void()>>::iterator place_;
};

// Runs all actions and keeps further ones from being registered or withdrawn: the process ends next.
void run_interrupt_actions();

}  // namespace omnigraph::cli
