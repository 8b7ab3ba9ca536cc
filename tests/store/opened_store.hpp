#pragma once
// A store on a file of its own, and commits that are waited for.

#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "acs-plugin/store/store.hpp"

namespace sluice::store {

class StoreFile {
public:
    StoreFile() {
        auto name = (std::filesystem::temp_directory_path() / "sluice store-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~StoreFile() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    StoreFile(const StoreFile&) = delete;
    StoreFile& operator=(const StoreFile&) = delete;

    std::string path() const { return (folder_ / "acs.db").string(); }

private:
    std::filesystem::path folder_;
};

// Callbacks run on the store's own thread.
inline void run_here(std::function<void()> callback) {
    callback();
}

inline Result<std::unique_ptr<Store>> open_at(const std::string& path) {
    return Store::open({path, {}}, run_here);
}

inline std::unique_ptr<Store> opened(const std::string& path) {
    auto store = open_at(path);
    EXPECT_TRUE(store.has_value()) << store.error().message;
    return std::move(store).value();
}

inline Result<void> commit(Store& store, service::Changes rows) {
    std::promise<Result<void>> done;
    store.commit(std::move(rows), [&](Result<void> r) { done.set_value(std::move(r)); });
    return done.get_future().get();
}

inline std::vector<service::EventRow> history(Store& store, service::EventQuery query = {}) {
    std::promise<Result<std::vector<service::EventRow>>> done;
    store.history(std::move(query), [&](auto rows) { done.set_value(std::move(rows)); });
    return done.get_future().get().value();
}

}  // namespace sluice::store
