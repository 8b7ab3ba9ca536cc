#include "acs-plugin/store/backup.hpp"

#include <filesystem>
#include <system_error>

#include "acs-plugin/store/file_lock.hpp"
#include "acs-plugin/store/sqlite_database.hpp"

namespace sluice::store {

Result<void> back_up(const std::string& store, const std::string& to) {
    std::error_code ignored;
    if (std::filesystem::exists(to, ignored)) return Error{to + ": is there already"};
    const auto half = to + ".new";
    const auto clean = [&] {
        for (const auto* end : {"", "-journal", "-wal", "-shm"})
            std::filesystem::remove(half + end, ignored);
    };
    clean();  // of one that was cut off
    auto done = make_private_file(half);
    if (done.has_value()) done = SqliteDatabase::copy(store, half);
    if (done.has_value()) done = put_in_place(half, to);
    clean();
    return done;
}

}  // namespace sluice::store
