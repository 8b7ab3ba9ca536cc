#pragma once
// The command line's door to the disk. A file is there whole or not at all: written beside its
// name, synced, then renamed; the name is durable when a function returns. Errors name the path.

#include <filesystem>
#include <functional>
#include <string>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"

namespace sluice::cli {

using Path = std::filesystem::path;

enum class Overwrite : bool { no, yes };

// Refused above `max_bytes`, before anything is read.
Result<std::string> read_file(const Path& path, std::uint64_t max_bytes);

// A file in the making. It has no name before it is committed, so that a killed process leaves
// nothing; where a file system cannot do that, it has a hidden one beside its final name.
class PendingFile {
public:
    static Result<PendingFile> create(const Path& path, unsigned mode);
    PendingFile(PendingFile&& other) noexcept;
    ~PendingFile();

    Result<void> append(ByteView bytes);
    // Bytes durable, then the name. With Overwrite::no an existing file stays, and that is an
    // error.
    Result<void> commit(Overwrite overwrite);

private:
    PendingFile(Path path, Path temporary, int fd);
    Error failed(const char* what) const;
    Result<void> give_name(const Path& name);

    Path path_;
    Path temporary_;  // empty: without a name, or committed
    int fd_;
};

Result<void> write_file(const Path& path, std::string_view text, unsigned mode,
                        Overwrite overwrite);
// Durable when it returns; a file that is not there is fine.
Result<void> remove_file(const Path& path);

// Calls `take` with the pieces of a file in order, `piece_length` bytes each but the last. Fails
// when the file is not `length` bytes long by then.
Result<void> read_pieces(const Path& path, std::uint64_t length, std::uint32_t piece_length,
                         const std::function<Result<void>(ByteView)>& take);

Result<std::uint64_t> length_of(const Path& path);
// `size` bytes from `offset` on; an error when the file has fewer.
Result<std::string> read_range(const Path& path, std::uint64_t offset, std::size_t size);

}  // namespace sluice::cli
