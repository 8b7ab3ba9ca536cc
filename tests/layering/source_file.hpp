#pragma once
// One file of the tree as the layering rules read it: its includes, and its code without comments
// and literals, so that a rule about words is never about prose.

#include <string>
#include <string_view>
#include <vector>

namespace sluice::layering {

struct Include {
    std::size_t line = 0;  // counted from 1
    std::string target;
    bool is_quoted = false;  // "x", not <x>
};

struct CodeLine {
    std::size_t line = 0;
    std::string code;
};

struct SourceFile {
    std::string path;  // from the root: "engine/base/time.hpp"
    bool has_pragma_once = false;
    std::vector<Include> includes;
    std::vector<CodeLine> code;  // without include lines
    std::size_t line_count = 0;

    // "engine/base", "agent/disk", "acs-plugin/cli", "sim/world", "tests/layering"; a file right
    // below "agent" has "agent".
    std::string folder() const;
    bool is_header() const { return path.ends_with(".hpp") || path.ends_with(".h"); }
    bool is_in(std::string_view folder_path) const;
};

SourceFile read_source(std::string path, std::string_view text);

}  // namespace sluice::layering
