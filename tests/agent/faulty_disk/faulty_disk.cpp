#include "tests/agent/faulty_disk/faulty_disk.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "tests/agent/faulty_disk/node.hpp"

namespace sluice::agent::disk {

class FaultyDisk::OpenFile final : public File {
public:
    OpenFile(FaultyDisk& disk, std::shared_ptr<Node> node, std::string path)
        : disk_(disk), node_(std::move(node)), path_(std::move(path)), life_(disk.life_) {}

    DiskResult<std::size_t> pread(std::uint64_t offset,
                                  std::span<std::uint8_t> into) const override {
        if (const int code = enter("pread")) return disk_error("pread", path_, code);
        const auto& bytes = node_->now;
        if (offset >= bytes.size()) return std::size_t{0};
        const auto n = std::min<std::uint64_t>(into.size(), bytes.size() - offset);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), n, into.begin());
        return static_cast<std::size_t>(n);
    }

    DiskResult<void> pwrite(std::uint64_t offset, ByteView bytes) override {
        if (const int code = enter("pwrite")) return disk_error("pwrite", path_, code);
        const auto length = node_->now.size();
        const auto grown = std::max<std::uint64_t>(offset + bytes.size(), length) - length;
        if (disk_.bytes_used(*disk_.root_) + grown > disk_.capacity_)
            return disk_error("pwrite", path_, ENOSPC);
        change({offset, Bytes(bytes.begin(), bytes.end()), false});
        return done("pwrite");
    }

    DiskResult<void> sync_data() override {
        if (const int code = enter("fdatasync")) {
            if (!disk_.is_off_ && disk_.rng_.below(2) == 0) node_->changes.clear();
            return disk_error("fdatasync", path_, code);
        }
        // Cut in the middle of a sync: any part of it.
        if (disk_.was_last(path_)) return disk_error("fdatasync", path_, EIO);
        if (disk_.lie_ && disk_.lie_("fdatasync", path_)) return success();
        node_->settle_bytes();
        return success();
    }

    DiskResult<void> truncate(std::uint64_t length) override {
        if (const int code = enter("ftruncate")) return disk_error("ftruncate", path_, code);
        change({length, {}, true});
        return done("ftruncate");
    }

    DiskResult<void> allocate(std::uint64_t length) override {
        if (const int code = enter("fallocate")) return disk_error("fallocate", path_, code);
        if (node_->now.size() >= length) return success();
        const auto grown = length - node_->now.size();
        if (disk_.bytes_used(*disk_.root_) + grown > disk_.capacity_)
            return disk_error("fallocate", path_, ENOSPC);
        change({length, {}, true});
        return done("fallocate");
    }

    DiskResult<std::uint64_t> length() const override {
        if (const int code = enter("fstat")) return disk_error("fstat", path_, code);
        return static_cast<std::uint64_t>(node_->now.size());
    }

    DiskResult<std::uint64_t> next_data(std::uint64_t offset) const override {
        if (const int code = enter("lseek")) return disk_error("lseek", path_, code);
        const auto& bytes = node_->now;
        while (offset < bytes.size() && bytes[offset] == 0) ++offset;
        return std::min<std::uint64_t>(offset, bytes.size());
    }

    void drop_cache() const override {
        if (node_->changes.empty()) node_->now = node_->durable;
    }
    int fd() const override { return -1; }

private:
    int enter(const char* call) const {
        return life_ == disk_.life_ ? disk_.enter(call, path_) : EIO;
    }
    void change(Node::Change made) {
        Node::apply(made, node_->now);
        node_->changes.push_back(std::move(made));
    }
    DiskResult<void> done(const char* call) {
        if (disk_.was_last(path_)) return disk_error(call, path_, EIO);
        return success();
    }

    FaultyDisk& disk_;
    const std::shared_ptr<Node> node_;
    const std::string path_;
    const std::uint64_t life_;
};

FaultyDisk::FaultyDisk(std::uint64_t seed) : rng_(seed), root_(std::make_shared<Node>()) {
    root_->is_directory = true;
}
FaultyDisk::~FaultyDisk() = default;

void FaultyDisk::cut_power_at(std::uint64_t n, std::string part) {
    calls_left_ = n;
    stop_part_ = std::move(part);
    stop_ = Stop::power;
}

void FaultyDisk::kill_process_at(std::uint64_t n, std::string part) {
    cut_power_at(n, std::move(part));
    stop_ = Stop::process;
}

void FaultyDisk::cut_power_now() {
    if (is_off_) return;
    is_off_ = true;
    stop_ = Stop::power;
}

void FaultyDisk::fail(std::string call, std::string part, int code) {
    failing_call_ = std::move(call);
    failing_part_ = std::move(part);
    failing_code_ = code;
}

int FaultyDisk::enter(const char* call, const std::string& path) const {
    if (is_off_) return EIO;
    if (failing_code_ != 0 && failing_call_ == call &&
        path.find(failing_part_) != std::string::npos)
        return failing_code_;
    return 0;
}

bool FaultyDisk::was_last(const std::string& path) {
    ++changes_;
    if (calls_left_ == 0 || path.find(stop_part_) == std::string::npos) return false;
    is_off_ = --calls_left_ == 0;
    return is_off_;
}

FaultyDisk::Node* FaultyDisk::find(const std::string& path) const {
    assert(path.empty() || path.starts_with('/'));
    Node* at = root_.get();
    for (std::size_t begin = 1; begin < path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        const auto child = at->names.find(path.substr(begin, end - begin));
        if (child == at->names.end()) return nullptr;
        at = child->second.get();
        begin = end + 1;
    }
    return at;
}

std::uint64_t FaultyDisk::bytes_used(const Node& node) const {
    std::uint64_t sum = node.now.size();
    for (const auto& [name, child] : node.names) sum += bytes_used(*child);
    return sum;
}

namespace {

struct Place {
    std::string folder, name;
};

Place place_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

DiskResult<std::unique_ptr<File>> FaultyDisk::open(const std::string& path, Open how) {
    if (const int code = enter("open", path)) return disk_error("open", path, code);
    const auto place = place_of(path);
    Node* const folder = find(place.folder);
    if (folder == nullptr) return disk_error("open", path, ENOENT);
    auto& names = folder->names;
    auto found = names.find(place.name);
    const bool may_create = how == Open::create || how == Open::replace;
    if (found == names.end()) {
        if (!may_create) return disk_error("open", path, ENOENT);
        folder->change_names({place.name, std::make_shared<Node>(), {}});
        if (was_last(path)) return disk_error("open", path, EIO);
        found = names.find(place.name);
    } else if (how == Open::replace) {
        auto& node = *found->second;
        Node::Change emptied{0, {}, true};
        Node::apply(emptied, node.now);
        node.changes.push_back(std::move(emptied));
        if (was_last(path)) return disk_error("open", path, EIO);
    }
    return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, found->second, path));
}

DiskResult<void> FaultyDisk::make_directory(const std::string& path) {
    if (const int code = enter("mkdir", path)) return disk_error("mkdir", path, code);
    if (find(path) != nullptr) return success();
    const auto place = place_of(path);
    Node* const folder = find(place.folder);
    if (folder == nullptr) return disk_error("mkdir", path, ENOENT);
    auto made = std::make_shared<Node>();
    made->is_directory = true;
    folder->change_names({place.name, std::move(made), {}});
    if (was_last(path)) return disk_error("mkdir", path, EIO);
    return success();
}

DiskResult<void> FaultyDisk::sync_directory(const std::string& path) {
    if (const int code = enter("fsync", path)) return disk_error("fsync", path, code);
    Node* const folder = find(path);
    if (folder == nullptr) return disk_error("fsync", path, ENOENT);
    if (was_last(path)) return disk_error("fsync", path, EIO);
    if (!lie_ || !lie_("fsync", path)) folder->settle_names();
    return success();
}

DiskResult<void> FaultyDisk::rename(const std::string& from, const std::string& to) {
    if (const int code = enter("rename", from)) return disk_error("rename", from, code);
    const auto source = place_of(from);
    const auto target = place_of(to);
    assert(source.folder == target.folder);  // all that the agent needs
    Node* const folder = find(source.folder);
    if (folder == nullptr || !folder->names.contains(source.name))
        return disk_error("rename", from, ENOENT);
    folder->change_names({target.name, folder->names.at(source.name), source.name});
    if (was_last(from)) return disk_error("rename", from, EIO);
    return success();
}

DiskResult<void> FaultyDisk::remove_file(const std::string& path) {
    if (const int code = enter("unlink", path)) return disk_error("unlink", path, code);
    const auto place = place_of(path);
    Node* const folder = find(place.folder);
    if (folder == nullptr || !folder->names.contains(place.name)) return success();
    folder->change_names({place.name, nullptr, {}});
    if (was_last(path)) return disk_error("unlink", path, EIO);
    return success();
}

DiskResult<void> FaultyDisk::remove_directory(const std::string& path) {
    const Node* const node = find(path);
    if (node != nullptr && !node->names.empty()) return disk_error("rmdir", path, ENOTEMPTY);
    return remove_file(path);
}

DiskResult<std::vector<Entry>> FaultyDisk::list(const std::string& path) {
    if (const int code = enter("opendir", path)) return disk_error("opendir", path, code);
    const Node* const folder = find(path);
    if (folder == nullptr) return disk_error("opendir", path, ENOENT);
    std::vector<Entry> out;
    for (const auto& [name, node] : folder->names)
        out.push_back({name, node->is_directory, node->now.size(), node->modified});
    return out;
}

DiskResult<void> FaultyDisk::set_modified(const std::string& path, UtcTime at) {
    if (const int code = enter("utimensat", path)) return disk_error("utimensat", path, code);
    Node* const node = find(path);
    if (node == nullptr) return disk_error("utimensat", path, ENOENT);
    node->modified = at;
    return success();
}

}  // namespace sluice::agent::disk
