#include "acs-plugin/origin/shelf.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "acs-plugin/origin/incoming.hpp"
#include "engine/image/image_digester.hpp"
#include "engine/image/merkle.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::origin {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdLength = 64;
constexpr auto kAbandonedAfter = std::chrono::hours(1);

// Hashes whole pieces out of bytes that come in any portions.
class PieceFeed {
public:
    explicit PieceFeed(const image::PieceLayout& layout) : digester_(layout) {}

    void add(ByteView bytes) {
        while (!bytes.empty()) {
            const auto wanted = digester_.next_size();
            if (rest_.empty() && bytes.size() >= wanted) {
                digester_.add_piece(bytes.first(wanted));
                bytes = bytes.subspan(wanted);
                continue;
            }
            const auto taken = std::min<std::size_t>(wanted - rest_.size(), bytes.size());
            rest_.insert(rest_.end(), bytes.begin(),
                         bytes.begin() + static_cast<std::ptrdiff_t>(taken));
            bytes = bytes.subspan(taken);
            if (rest_.size() < wanted) return;
            digester_.add_piece(rest_);
            rest_.clear();
        }
    }
    image::ImageDigests finish() { return digester_.finish(); }

private:
    image::ImageDigester digester_;
    Bytes rest_;  // of a piece that is not whole yet
};

}  // namespace

Expected expected_of(const image::Manifest& manifest) {
    return {manifest.image.hex(), manifest.sha256, manifest.layout.length,
            manifest.layout.piece_length, manifest.pieces_root};
}

OpenFile::~OpenFile() {
    ::close(fd_);
}

// --- coming in --------------------------------------------------------------------------------

struct Upload::Impl {
    Impl(Expected e, std::string f, Incoming i)
        : expected(std::move(e)), folder(std::move(f)), image(std::move(i)) {
        if (expected.piece_length > 0)
            pieces.emplace(image::PieceLayout{expected.length, expected.piece_length});
    }
    Result<std::optional<Bytes>> verified_layer();

    Expected expected;
    std::string folder;
    Incoming image;
    std::optional<PieceFeed> pieces;  // firmware
    image::Sha256 whole;              // a configuration file
    std::uint64_t received = 0;
};

Upload::Upload(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Upload::~Upload() = default;

const Expected& Upload::expected() const {
    return impl_->expected;
}
std::uint64_t Upload::received() const {
    return impl_->received;
}

Result<void> Upload::append(ByteView bytes) {
    auto& it = *impl_;
    if (bytes.size() > it.expected.length - it.received)
        return Error{"more bytes than the " + std::to_string(it.expected.length) +
                     " that it should have"};
    SLUICE_CHECK(it.image.write(bytes));
    it.received += bytes.size();
    if (it.pieces)
        it.pieces->add(bytes);
    else
        it.whole.update(bytes);
    return success();
}

Result<std::optional<Bytes>> Upload::Impl::verified_layer() {
    const Error differs{"the bytes are not those that were announced: their SHA-256 differs"};
    if (!pieces) {
        if (whole.finish() != expected.sha256) return differs;
        return std::optional<Bytes>();
    }
    const auto digests = pieces->finish();
    if (digests.sha256 != expected.sha256) return differs;
    if (digests.pieces_root != expected.pieces_root)
        return Error{"the bytes are not the manifest's: their pieces root differs"};
    return std::optional(image::raw_layer(digests.layer));
}

Result<void> Upload::finish() {
    auto& it = *impl_;
    if (it.received != it.expected.length)
        return Error{std::to_string(it.received) + " of " + std::to_string(it.expected.length) +
                     " bytes are here"};
    SLUICE_CHECK(it.image.sync());
    SLUICE_TRY(const auto layer, it.verified_layer());
    // The layer first: where there is an image, its layer is beside it.
    if (layer) {
        SLUICE_CHECK(put_file(it.folder, it.expected.id + std::string(kLayer), *layer));
    }
    SLUICE_CHECK(it.image.rename());
    return sync_folder(it.folder);
}

// --- the shelf --------------------------------------------------------------------------------

namespace {

// Removes every file of the folder that `is_left` says was left there.
Result<std::size_t> remove_left(const std::string& folder, FolderUse use,
                                const std::function<bool(const std::string& name)>& is_left) {
    std::error_code error;
    std::vector<fs::path> left;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        if (!is_left(at->path().filename().string())) continue;
        std::error_code unknown;
        const auto touched = at->last_write_time(unknown);
        if (use == FolderUse::shared &&
            (unknown || fs::file_time_type::clock::now() - touched < kAbandonedAfter))
            continue;
        left.push_back(at->path());
    }
    if (error) return Error{folder + ": " + error.message()};
    std::size_t out = 0;
    for (const auto& path : left) out += fs::remove(path, error) ? 1 : 0;
    return out;
}

// Of "<64 hex digits>.img" and ".layer", also on its way; empty: it is not ours.
std::string_view id_of(std::string_view name) {
    if (name.starts_with(kPartial)) name.remove_prefix(kPartial.size());
    for (const auto ending : {kImage, kLayer})
        if (name.size() == kIdLength + ending.size() && name.ends_with(ending) &&
            name.find_first_not_of("0123456789abcdef") == kIdLength)
            return name.substr(0, kIdLength);
    return {};
}

}  // namespace

Result<std::unique_ptr<Shelf>> Shelf::open(const std::string& folder, FolderUse use) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return Error{folder + ": " + error.message()};
    SLUICE_CHECK(
        remove_left(folder, use, [](const auto& name) { return name.starts_with(kIncoming); }));
    return std::unique_ptr<Shelf>(new Shelf(folder, use));
}

std::size_t Shelf::sweep(const std::function<bool(std::string_view id)>& is_published) {
    const auto removed = remove_left(folder_, use_, [&](const std::string& name) {
        const auto id = id_of(name);
        return !id.empty() && !is_published(id);
    });
    return removed.has_value() ? removed.value() : 0;
}

Result<std::shared_ptr<const OpenFile>> Shelf::open_file(const std::string& name) {
    if (const auto known = open_.find(name); known != open_.end())
        if (auto file = known->second.lock()) return file;
    const auto path = folder_ + "/" + name;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed(path);
    struct stat status {};
    const bool is_regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    auto file = std::make_shared<const OpenFile>(fd, static_cast<std::uint64_t>(status.st_size));
    if (!is_regular) return Error{path + ": is not a regular file"};
    std::erase_if(open_, [](const auto& each) { return each.second.expired(); });
    open_[name] = file;
    return file;
}

Result<std::shared_ptr<const OpenFile>> Shelf::image(std::string_view id) {
    return open_file(std::string(id) + std::string(kImage));
}
Result<std::shared_ptr<const OpenFile>> Shelf::layer(std::string_view id) {
    return open_file(std::string(id) + std::string(kLayer));
}
bool Shelf::has(std::string_view id) const {
    std::error_code error;
    return fs::exists(folder_ + "/" + std::string(id) + ".img", error);
}

Result<std::unique_ptr<Upload>> Shelf::begin(const Expected& expected) const {
    SLUICE_TRY(auto image, Incoming::create(folder_, expected.id + ".img"));
    return std::unique_ptr<Upload>(
        new Upload(std::make_unique<Upload::Impl>(expected, folder_, std::move(image))));
}

}  // namespace sluice::origin
