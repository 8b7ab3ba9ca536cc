#include "acs-plugin/origin/arrival.hpp"

#include <algorithm>
#include <fcntl.h>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "acs-plugin/origin/incoming.hpp"
#include "engine/image/merkle.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::origin {
namespace {

using Fault = ArrivalFault;

constexpr std::size_t kDigest = sizeof(image::Digest);
constexpr std::size_t kReadBack = 1024 * 1024;

bool is_id(const std::string& id) {
    return id.size() == 2 * kDigest && id.find_first_not_of("0123456789abcdef") == id.npos;
}

image::PieceLayout layout_of(const Wanted& wanted) {
    return {wanted.length, wanted.piece_length};
}

// The id of an image is a digest of its length, its piece length and the root over its pieces: it
// alone proves the layer.
Result<image::PieceLayer> prove_layer(const Wanted& wanted, ByteView raw) {
    const auto layout = layout_of(wanted);
    if (raw.size() != layout.piece_count() * kDigest) return Error{"the piece layer is cut"};
    std::vector<image::Digest> digests(layout.piece_count());
    for (auto& digest : digests) {
        std::ranges::copy(raw.first(kDigest), digest.bytes.begin());
        raw = raw.subspan(kDigest);
    }
    const auto root = image::pieces_root(layout, digests);
    if (image::image_id(layout, root).hex() != wanted.id)
        return Error{"the piece layer is not this image's"};
    return image::PieceLayer::prove(layout, root, image::raw_layer(digests));
}

// Up to `length` bytes of a file; fewer: that is all.
Result<Bytes> read_at(int fd, std::uint64_t offset, std::size_t length, const std::string& path) {
    Bytes out(length);
    std::size_t have = 0;
    while (have < length) {
        const auto n =
            ::pread(fd, out.data() + have, length - have, static_cast<off_t>(offset + have));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(path);
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
}

}  // namespace

struct Arrival::Impl {
    Impl(std::string f, Wanted w)
        : folder(std::move(f)),
          wanted(std::move(w)),
          path(folder + "/" + std::string(kPartial) + wanted.id + std::string(kImage)),
          name(folder + "/" + wanted.id + std::string(kImage)) {}
    ~Impl() {
        if (fd >= 0) ::close(fd);
    }

    bool is_firmware() const { return wanted.piece_length != 0; }
    Result<void> open();
    void read_layer();
    Result<bool> read_back();
    Result<void> go_back_to(std::uint64_t length);
    std::size_t good_part(ByteView bytes) const;

    const std::string folder;
    const Wanted wanted;
    const std::string path, name;
    int fd = -1;
    std::optional<image::PieceLayer> layer;  // of firmware
    image::Sha256 whole;                     // of a configuration file
    std::uint64_t received = 0;
    bool is_finished = false;
};

Result<void> Arrival::Impl::open() {
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return failed(path);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return failed(path);
    // Who had the lock before may have given the file its name meanwhile.
    struct stat ours {
    }, named{};
    if (::fstat(fd, &ours) != 0 || ::stat(path.c_str(), &named) != 0 || ours.st_ino != named.st_ino)
        return Error{path + ": another process has just finished it"};
    if (is_firmware()) read_layer();
    return success();
}

void Arrival::Impl::read_layer() {
    const auto at = folder + "/" + wanted.id + std::string(kLayer);
    const int file = ::open(at.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    const auto length = layout_of(wanted).piece_count() * kDigest;
    const auto raw = read_at(file, 0, length, at);
    ::close(file);
    if (!raw.has_value()) return;
    auto proved = prove_layer(wanted, raw.value());
    if (proved.has_value()) layer.emplace(std::move(proved).value());
}

// How many of the bytes at `received` are whole pieces, and the image's.
std::size_t Arrival::Impl::good_part(ByteView bytes) const {
    const auto layout = layout_of(wanted);
    std::size_t good = 0;
    while (good < bytes.size()) {
        const auto piece = layout.piece_at(received + good);
        const auto size = layout.size_of(piece);
        if (bytes.size() - good < size || !layer->is_verified(piece, bytes.subspan(good, size)))
            break;
        good += size;
    }
    return good;
}

Result<bool> Arrival::Impl::read_back() {
    const auto wanted_now = std::min<std::uint64_t>(wanted.length - received, kReadBack);
    Bytes bytes;
    if (layer || !is_firmware()) {
        SLUICE_TRY(bytes, read_at(fd, received, static_cast<std::size_t>(wanted_now), path));
    }
    const auto good = is_firmware() ? good_part(bytes) : bytes.size();
    if (!is_firmware()) whole.update(bytes);
    received += good;
    if (good == kReadBack) return false;
    SLUICE_CHECK(go_back_to(received));
    return true;
}

Result<void> Arrival::Impl::go_back_to(std::uint64_t length) {
    if (length == 0) whole.finish();  // starts afresh
    received = length;
    if (::ftruncate(fd, static_cast<off_t>(length)) != 0) return failed(path);
    return success();
}

Arrival::Arrival(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Arrival::~Arrival() = default;

Result<std::unique_ptr<Arrival>> Arrival::open(const std::string& folder, const Wanted& wanted) {
    const bool is_image = wanted.piece_length == 0
                              ? wanted.length > 0 && wanted.length <= image::kMaxImageLength
                              : image::is_valid(layout_of(wanted));
    if (!is_id(wanted.id) || !is_image) return Error{"'" + wanted.id + "': is no image's"};
    auto impl = std::make_unique<Impl>(folder, wanted);
    SLUICE_CHECK(impl->open());
    return std::unique_ptr<Arrival>(new Arrival(std::move(impl)));
}

const Wanted& Arrival::wanted() const {
    return impl_->wanted;
}
Result<bool> Arrival::read_back() {
    return impl_->read_back();
}
std::uint64_t Arrival::received() const {
    return impl_->received;
}
std::uint64_t Arrival::verified() const {
    return impl_->is_firmware() || impl_->is_finished ? impl_->received : 0;
}

std::uint64_t Arrival::wanted_of_layer() const {
    if (!impl_->is_firmware() || impl_->layer) return 0;
    return layout_of(impl_->wanted).piece_count() * kDigest;
}

Result<void, Fault> Arrival::take_layer(ByteView raw) {
    auto& it = *impl_;
    auto proved = prove_layer(it.wanted, raw);
    if (!proved.has_value()) return Fault{true, proved.error().message};
    const auto put = put_file(it.folder, it.wanted.id + std::string(kLayer), raw);
    if (!put.has_value()) return Fault{false, put.error().message};
    it.layer.emplace(std::move(proved).value());
    return success();
}

Result<void, Fault> Arrival::append(ByteView bytes) {
    auto& it = *impl_;
    if (bytes.size() > it.wanted.length - it.received)
        return Fault{true, "more bytes than the image has"};
    const auto good = it.is_firmware() ? it.good_part(bytes) : bytes.size();
    const auto written = write_all(it.fd, bytes.first(good), it.path);
    if (!written.has_value()) {
        const auto undone = it.go_back_to(it.received);
        return Fault{false, undone.has_value() ? written.error().message : undone.error().message};
    }
    if (!it.is_firmware()) it.whole.update(bytes);
    it.received += good;
    if (good < bytes.size())
        return Fault{true, "the bytes at " + std::to_string(it.received) + " are not the image's"};
    return success();
}

Result<void, Fault> Arrival::finish() {
    auto& it = *impl_;
    if (it.received != it.wanted.length) return Fault{true, "the image is not whole"};
    if (!it.is_firmware() && it.whole.finish().hex() != it.wanted.id) {
        const auto undone = it.go_back_to(0);
        return Fault{undone.has_value(), undone.has_value() ? "the bytes are not those of the file"
                                                            : undone.error().message};
    }
    if (::fsync(it.fd) != 0) {
        // Linux says so once; what reads back well the next time may still be in memory alone.
        const auto why = failed(it.path).message;
        ::unlink(it.path.c_str());
        return Fault{false, why};
    }
    if (::rename(it.path.c_str(), it.name.c_str()) != 0)
        return Fault{false, failed(it.name).message};
    if (const auto synced = sync_folder(it.folder); !synced.has_value()) {
        // Whoever sees the name takes the file for durable.
        if (::rename(it.name.c_str(), it.path.c_str()) != 0) ::unlink(it.name.c_str());
        return Fault{false, synced.error().message};
    }
    it.is_finished = true;
    return success();
}

Result<std::shared_ptr<const OpenFile>> Arrival::file() const {
    const auto& path = impl_->is_finished ? impl_->name : impl_->path;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed(path);
    return std::make_shared<const OpenFile>(fd, impl_->wanted.length);
}

}  // namespace sluice::origin
