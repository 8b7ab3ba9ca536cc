#include "engine/inventory/string_pool.hpp"

#include <cassert>
#include <cstring>

#include "engine/base/rng.hpp"

namespace sluice::inventory {
namespace {

constexpr std::size_t kChunk = std::size_t{64} * 1024;

// Eight bytes a step. Never leaves the pool: it may differ between platforms.
std::uint32_t hash_of(std::string_view text) {
    std::uint64_t h = text.size();
    while (!text.empty()) {
        std::uint64_t word = 0;
        const auto step = text.size() < sizeof word ? text.size() : sizeof word;
        std::memcpy(&word, text.data(), step);
        h = mix64(h ^ word);
        text.remove_prefix(step);
    }
    return static_cast<std::uint32_t>(h);
}

}  // namespace

std::string_view StringPool::view(StringId id) const {
    const auto start = starts_[id];
    const char* from = chunks_[start / kChunk].get() + start % kChunk;
    std::uint16_t length = 0;
    std::memcpy(&length, from, sizeof length);
    return {from + sizeof length, length};
}

StringId StringPool::find(std::string_view text) const {
    return table_.find(hash_of(text), [&](std::uint32_t id) { return view(id) == text; });
}

StringId StringPool::intern(std::string_view text) {
    const auto hash = hash_of(text);
    const auto known = table_.find(hash, [&](std::uint32_t id) { return view(id) == text; });
    if (known != IndexTable::kNone) return known;
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
    if (starts_.size() == starts_.capacity()) starts_.reserve(starts_.size() * 5 / 4 + 64);
    starts_.push_back(static_cast<std::uint32_t>((chunks_.size() - 1) * kChunk + used_));
    used_ += needed;
    table_.insert(id, hash);
    return id;
}

std::size_t StringPool::character_bytes() const {
    return chunks_.size() * kChunk + chunks_.capacity() * sizeof(chunks_[0]);
}

std::size_t StringPool::index_bytes() const {
    return starts_.capacity() * sizeof(starts_[0]) + table_.bytes();
}

}  // namespace sluice::inventory
