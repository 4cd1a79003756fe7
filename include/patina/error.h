#pragma once

#include <stdexcept>
#include <string>

namespace patina {

// What kind of thing went wrong; decides the exit code of the programs and the status of the server.
enum class ErrorKind {
  kInvalidArgument,  // a flag, a request or a call with a value that cannot be used
  kInvalidData,      // a file (model, adapter, checkpoint, text) is truncated, corrupt or hostile
  kUnsupported,      // well-formed, but of a kind that patina does not handle
  kNotFound,         // a file or a named thing does not exist
  kIo,               // the operating system refused to read, write or map
  kOutOfMemory,      // would not fit in memory
  kIncompatible,     // two things that do not belong together (an adapter and another model)
  kInterrupted,      // the user asked to stop
};

// The one exception type that patina throws. `what()` is one sentence for the user that says what to do, without a
// trailing newline.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace patina
