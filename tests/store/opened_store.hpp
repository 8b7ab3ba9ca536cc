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

inline Result<std::unique_ptr<Store>> open_at(const std::string& url) {
    return Store::open({url, {}}, run_here);
}

// Open, and owned by us.
inline std::unique_ptr<Store> opened(const std::string& url,
                                     LeaseTerms terms = {"http://here", 4s, 1s, 50ms}) {
    auto store = open_at(url);
    EXPECT_TRUE(store.has_value()) << store.error().message;
    if (!store.has_value()) return nullptr;
    auto is_ours = std::make_shared<std::promise<void>>();
    store.value()->hold(std::move(terms), [is_ours](const LeaseNews& news) {
        if (news.whose == LeaseNews::Whose::ours && news.why.empty()) try {
                is_ours->set_value();
            } catch (const std::future_error&) {  // told more than once
            }
    });
    EXPECT_EQ(is_ours->get_future().wait_for(10s), std::future_status::ready);
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
