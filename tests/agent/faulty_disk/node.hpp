#pragma once
// A file or folder of a FaultyDisk: what a program sees now, what the medium surely holds, and the
// changes between the two, in order.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/agent/faulty_disk/faulty_disk.hpp"

namespace sluice::agent::disk {

struct FaultyDisk::Node {
    // Bytes written at `offset`, or (is_length) the file made `offset` bytes long.
    struct Change {
        std::uint64_t offset = 0;
        Bytes bytes;
        bool is_length = false;
    };
    // `name` now means `node` (null: nothing); a rename also takes the name `from` away.
    struct NameChange {
        std::string name;
        std::shared_ptr<Node> node;
        std::string from;
    };
    using Names = std::map<std::string, std::shared_ptr<Node>>;

    bool is_directory = false;
    UtcTime modified;

    Bytes now, durable;
    std::vector<Change> changes;

    Names names, durable_names;
    std::vector<NameChange> name_changes;

    static void write(std::uint64_t offset, ByteView bytes, Bytes& to) {
        if (to.size() < offset + bytes.size()) to.resize(offset + bytes.size());
        std::copy(bytes.begin(), bytes.end(), to.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    static void apply(const Change& change, Bytes& to) {
        if (change.is_length)
            to.resize(change.offset);
        else
            write(change.offset, change.bytes, to);
    }
    static void apply(const NameChange& change, Names& to) {
        if (!change.from.empty()) to.erase(change.from);
        if (change.node)
            to[change.name] = change.node;
        else
            to.erase(change.name);
    }
    void change_names(NameChange change) {
        apply(change, names);
        name_changes.push_back(std::move(change));
    }
    void settle_bytes() {
        for (const auto& change : changes) apply(change, durable);
        changes.clear();
    }
    void settle_names() {
        durable_names = names;
        name_changes.clear();
    }
};

}  // namespace sluice::agent::disk
