#include "acs-plugin/iad/words.hpp"

#include <algorithm>

namespace sluice::iad {

bool is_file_name(std::string_view name) {
    const auto is_good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-' || c == '/';
    };
    return !name.empty() && name.size() <= kMaxFileName && std::ranges::all_of(name, is_good) &&
           name.front() != '/' && name.front() != '-' && name.find("..") == std::string_view::npos;
}

}  // namespace sluice::iad
