#pragma once
// A results folder that is there whole or not at all: files are written into DIR.partial, which
// becomes DIR when all is done. Whoever finds DIR finds everything in it.

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::sim::results {

using Path = std::filesystem::path;

class Folder {
public:
    // Before the work begins: what cannot be written is said at once. `may_replace`: an older DIR
    // gives way at commit.
    static Result<Folder> create(const Path& directory, bool may_replace);
    Folder(Folder&& other) noexcept;
    Folder& operator=(Folder&&) = delete;
    ~Folder();  // without commit, nothing stays

    Result<void> write(std::string_view name, std::string_view text);
    Result<void> commit();
    const Path& directory() const { return directory_; }

private:
    Folder(Path directory, Path partial, bool may_replace)
        : directory_(std::move(directory)),
          partial_(std::move(partial)),
          may_replace_(may_replace) {}

    Path directory_, partial_;
    bool may_replace_;
};

// Whole text files, as `report` reads them back.
Result<std::string> read_text(const Path& path);

}  // namespace sluice::sim::results
