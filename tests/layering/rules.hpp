#pragma once
// The rules of the tree (docs/ARCHITECTURE.md), each a function from one file to its findings. The
// tree test runs all of them over all files; rules_test.cpp shows each a file that breaks it.

#include <string>
#include <vector>

#include "tests/layering/source_file.hpp"

namespace sluice::layering {

struct Finding {
    std::string where;  // "engine/http/range.cpp:12"
    std::string what;

    std::string text() const { return where + ": " + what; }
};
using Findings = std::vector<Finding>;

// Every rule below.
Findings check(const SourceFile& file);

// Folders include only what stands in the table; shells never include one another.
Findings check_arrows(const SourceFile& file);
// Includes are written from the root.
Findings check_include_form(const SourceFile& file);
// Outside engine/net the engine has no clock, thread, socket, file, entropy, log or exception.
Findings check_purity(const SourceFile& file);
// Headers that cost seconds to compile stay in the .cpp files of the folders that own them.
Findings check_heavy_headers(const SourceFile& file);
// Only agent/disk makes bytes durable on a device.
Findings check_durable_writes(const SourceFile& file);
// Draws come from base/rng.hpp: the standard's differ between libraries, and plans must not.
Findings check_randomness(const SourceFile& file);
// Each folder is its namespace.
Findings check_namespace(const SourceFile& file);
Findings check_pragma_once(const SourceFile& file);
// No utils, common, helpers, manager.
Findings check_name(const std::string& path);
// Nothing is left for later.
Findings check_unfinished(const std::string& path, std::string_view text);

inline constexpr std::size_t kSoftLineLimit = 400;  // named in the report
inline constexpr std::size_t kHardLineLimit = 600;
Findings check_size(const SourceFile& file);

}  // namespace sluice::layering
