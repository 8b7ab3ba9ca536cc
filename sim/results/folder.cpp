#include "sim/results/folder.hpp"

#include <fstream>
#include <sstream>
#include <utility>

namespace sluice::sim::results {

namespace fs = std::filesystem;

Result<Folder> Folder::create(const Path& directory, bool may_replace) {
    std::error_code error;
    if (fs::exists(directory, error) && !may_replace)
        return Error{directory.string() + ": is already there (--force replaces it)"};
    auto partial = directory;
    partial += ".partial";
    fs::remove_all(partial, error);
    fs::create_directories(partial, error);
    if (error) return Error{partial.string() + ": " + error.message()};
    return Folder(directory, std::move(partial), may_replace);
}

Folder::Folder(Folder&& other) noexcept
    : directory_(std::move(other.directory_)),
      partial_(std::exchange(other.partial_, {})),
      may_replace_(other.may_replace_) {}

Folder::~Folder() {
    std::error_code ignored;
    if (!partial_.empty()) fs::remove_all(partial_, ignored);
}

Result<void> Folder::write(std::string_view name, std::string_view text) {
    const auto path = partial_ / name;
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) return Error{path.string() + ": cannot be written"};
    return success();
}

Result<void> Folder::commit() {
    std::error_code error;
    if (may_replace_) fs::remove_all(directory_, error);
    fs::rename(partial_, directory_, error);
    if (error) return Error{directory_.string() + ": " + error.message()};
    partial_.clear();
    return success();
}

Result<std::string> read_text(const Path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{path.string() + ": cannot be read"};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace sluice::sim::results
