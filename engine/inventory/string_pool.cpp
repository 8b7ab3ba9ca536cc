#include "engine/inventory/string_pool.hpp"

#include <cassert>
#include <cstring>

#include "engine/base/rng.hpp"

namespace sluice::inventory {
namespace {

constexpr std::size_t kChunk = std::size_t{64} * 1024;

}  // namespace

std::string_view StringPool::at(std::uint32_t start) const {
    const char* from = chunks_[start / kChunk].get() + start % kChunk;
    std::uint16_t length = 0;
    std::memcpy(&length, from, sizeof length);
    return {from + sizeof length, length};
}

std::string_view StringPool::view(StringId id) const {
    return at(starts_[id]);
}

StringId StringPool::find(std::string_view text) const {
    return table_.find(seed_of(text), [&](std::uint32_t id) { return view(id) == text; });
}

StringId StringPool::intern(std::string_view text) {
    if (const auto known = find(text); known != IndexTable::kNone) return known;
    assert(text.size() <= kMaxLength);
    const auto length = static_cast<std::uint16_t>(text.size());
    const auto needed = sizeof length + text.size();
    if (chunks_.empty() || used_ + needed > kChunk) {
        assert(chunks_.size() < (std::size_t{1} << 32) / kChunk);
        chunks_.push_back(std::make_unique<char[]>(kChunk));
        used_ = 0;
    }
    char* to = chunks_.back().get() + used_;
    std::memcpy(to, &length, sizeof length);
    std::memcpy(to + sizeof length, text.data(), text.size());
    const auto id = size();
    if (starts_.size() == starts_.capacity()) starts_.reserve(starts_.size() * 9 / 8 + 64);
    starts_.push_back(static_cast<std::uint32_t>((chunks_.size() - 1) * kChunk + used_));
    used_ += needed;
    table_.insert(id, [&](std::uint32_t entry) { return seed_of(view(entry)); });
    return id;
}

std::size_t StringPool::character_bytes() const {
    return chunks_.size() * kChunk + chunks_.capacity() * sizeof(chunks_[0]);
}

std::size_t StringPool::index_bytes() const {
    return starts_.capacity() * sizeof(starts_[0]) + table_.bytes();
}

}  // namespace sluice::inventory
