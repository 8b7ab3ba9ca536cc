// What is done at the server: a backup is read back, and made into what the new software reads.

#include "acs-plugin/upgrade/one_upgrade.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::upgrade::acs {

void OneUpgrade::work(Turn& turn) {
    if (record().step == Step::convert) return convert(turn);
    // Where nothing is to be seen of a configuration.
    if (record().step != Step::verify_backup) return succeed(turn);
    auto* vault = hall_.around().vault;
    if (vault == nullptr) return fail("no backups are kept here", turn);
    is_reading_ = true;
    const auto number = last_number();
    vault->read(memory_.backup, [&hall = hall_, part = part_,
                                 number](Result<std::pair<service::BackupRow, Bytes>> read) {
        hall.resume(part, number, [&](OneUpgrade& upgrade, Turn& then) {
            if (read.has_value() && !read.value().second.empty()) return upgrade.succeed(then);
            upgrade.end(Outcome::failed, Reason::not_the_same,
                        read.has_value() ? "the backup is empty" : read.error().message, then);
        });
    });
}

const conversion::Conversion* OneUpgrade::conversion() const {
    return conversion::conversion_for(hall_.around().conversions, memory_.old_version,
                                      memory_.version);
}

// One of a few at a time: its limit counts from run_conversion on.
void OneUpgrade::convert(Turn& turn) {
    if (conversion() == nullptr || hall_.around().vault == nullptr)
        return refuse("no conversion fits " + memory_.old_version + " to " + memory_.version, turn);
    hall_.convert_in_turn(part_, last_number());
}

void OneUpgrade::run_conversion(Turn& turn) {
    memory_.given = turn.now;
    keep(turn);
    hall_.around().vault->read(
        memory_.backup, [&hall = hall_, part = part_, number = last_number(),
                         by = *conversion()](Result<std::pair<service::BackupRow, Bytes>> read) {
            if (!read.has_value()) return hall.converted(part, number, std::move(read).error());
            hall.around().convert(by, std::string(as_text(read.value().second)),
                                  [&hall, part, number](Result<std::string> made) {
                                      hall.converted(part, number, std::move(made));
                                  });
        });
}

void OneUpgrade::on_converted(const Result<std::string>& made, Turn& turn) {
    if (!made.has_value()) return fail(made.error().message, turn);
    take_converted(made.value(), turn);
}

void OneUpgrade::take_converted(const std::string& text, Turn& turn) {
    const auto bytes = as_bytes(text);
    auto kept =
        hall_.around().vault->keep(part_.identity, part_.rollout, last_number(), bytes, turn.out);
    if (!kept.has_value()) return fail(kept.error().message, turn);
    image::Sha256 sum;
    sum.update(bytes);
    memory_.restored = kept.value();
    memory_.restored_digest = sum.finish().hex();
    succeed(turn);
}

}  // namespace sluice::upgrade::acs
