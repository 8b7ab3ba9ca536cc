#pragma once
// How --help reads: usage first, then what the command is for, then arguments, options by group
// (what must be given is marked so) and an example.

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace sluice::cli {

std::shared_ptr<CLI::FormatterBase> make_help_formatter();

}  // namespace sluice::cli
