#pragma once
// The published files: `<id>.img` and, of firmware, `<id>.layer`, in one folder. Each is there
// whole and verified or not at all: a file comes in under a temporary name, is hashed as it comes,
// synced, compared with what its manifest says, and only then renamed. What a killed process left
// goes at the next start: under a temporary name with open(), under its own but never recorded with
// sweep().

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"
#include "engine/image/digest.hpp"
#include "engine/image/manifest.hpp"

namespace sluice::origin {

// What a file must turn out to be.
struct Expected {
    std::string id;            // of its name: hex
    image::Digest sha256;      // of all of it
    std::uint64_t length = 0;  // > 0
    // Firmware: its pieces, and the root over them. A piece length of 0: a configuration file.
    std::uint32_t piece_length = 0;
    image::Digest pieces_root;
};
Expected expected_of(const image::Manifest& manifest);

// A file open for reading; closed with its last holder.
class OpenFile {
public:
    OpenFile(int fd, std::uint64_t length) : fd_(fd), length_(length) {}
    ~OpenFile();
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    int fd() const { return fd_; }
    std::uint64_t length() const { return length_; }

private:
    int fd_;
    std::uint64_t length_;
};

// One file on its way in. May live on another thread than its shelf. Gone when destroyed unless
// finished.
class Upload {
public:
    ~Upload();
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;

    const Expected& expected() const;
    std::uint64_t received() const;
    // The next bytes. More than expected is an error, and takes none of them.
    Result<void> append(ByteView bytes);
    // All bytes are here: durable under its name, or an error that says what differs.
    Result<void> finish();

private:
    friend class Shelf;
    struct Impl;
    explicit Upload(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Whether other processes write into the folder too. In a shared one what looks left behind may be
// another's work: it goes only when nobody touched it for an hour.
enum class FolderUse : std::uint8_t { alone, shared };

class Shelf {
public:
    // Makes the folder where it is not there; removes what was left half-done.
    static Result<std::unique_ptr<Shelf>> open(const std::string& folder,
                                               FolderUse use = FolderUse::alone);
    // Removes files of ids that are not published: of a process that died after a file had its
    // place and before the row about it was kept. At the start, before any upload. How many went.
    std::size_t sweep(const std::function<bool(std::string_view id)>& is_published);

    // A file that is open already is shared. Errors name the file.
    Result<std::shared_ptr<const OpenFile>> image(std::string_view id);
    Result<std::shared_ptr<const OpenFile>> layer(std::string_view id);
    bool has(std::string_view id) const;

    Result<std::unique_ptr<Upload>> begin(const Expected& expected) const;
    const std::string& folder() const { return folder_; }

private:
    Shelf(std::string folder, FolderUse use) : folder_(std::move(folder)), use_(use) {}
    Result<std::shared_ptr<const OpenFile>> open_file(const std::string& name);

    std::string folder_;
    FolderUse use_;
    std::map<std::string, std::weak_ptr<const OpenFile>, std::less<>> open_;
};

}  // namespace sluice::origin
