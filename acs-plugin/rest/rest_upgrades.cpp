// The routes below /upgrades: where each device's safe upgrade is, and the operator's answers.

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "acs-plugin/upgrade/upgrades.hpp"
#include "engine/grouping/json_reader.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;
using upgrade::Step;
using upgrade::acs::Answer;
using upgrade::acs::UpgradeView;

constexpr std::string_view kAnswers[] = {"accept", "decline", "correct", "cancel"};
static_assert(static_cast<int>(Answer::Kind::cancel) == 3);
constexpr std::size_t kMaxStep = 32, kMaxImage = 128;

Json text_or_null(std::string_view text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

// Of the way there; a device that is rolled back is on its way back.
unsigned percent_of(const upgrade::Record& record) {
    const auto step = static_cast<unsigned>(record.step);
    const auto all = static_cast<unsigned>(Step::roll_back);
    if (record.end != upgrade::End::none || record.step == Step::end) return 100;
    if (!upgrade::is_rolling_back(record.step)) return 100 * step / all;
    return 100 * (static_cast<unsigned>(Step::end) - step) /
           (static_cast<unsigned>(Step::end) - all) * 3 / 4;
}

// Words of the API: those of people have spaces.
std::string state_of(const UpgradeView& view) {
    const auto& record = view.record;
    if (record.end != upgrade::End::none) {
        std::string out(upgrade::name_of(record.end));
        std::ranges::replace(out, ' ', '_');
        return out;
    }
    if (record.question != Step::end) return "asking";
    if (upgrade::is_rolling_back(record.step)) return "rolling_back";
    return view.is_waiting_for_contact ? "waiting" : "running";
}

Json to_json(const UpgradeView& view) {
    const auto& record = view.record;
    Json question(nullptr);
    if (record.question != Step::end)
        question = {{"step", upgrade::name_of(record.question)},
                    {"reason", upgrade::describe(record.reason)}};
    return {{"identity", view.identity},
            {"rollout", text_or_null(view.rollout)},
            {"state", state_of(view)},
            {"step", upgrade::name_of(record.step)},
            {"says", upgrade::arrow(record.step).says},
            {"percent", percent_of(record)},
            {"attempt", record.attempts},
            {"attempts", view.attempts},
            {"try", record.tries},
            {"tries", view.tries},
            {"question", std::move(question)},
            {"reason", text_or_null(upgrade::describe(record.reason))},
            {"rolled_back_for", text_or_null(upgrade::describe(record.cause))},
            {"detail", text_or_null(view.detail)},
            {"from_version", text_or_null(view.from_version)},
            {"version", text_or_null(view.version)},
            {"image", text_or_null(view.image)},
            {"backup", view.backup == 0 ? Json(nullptr) : Json(view.backup)},
            {"changed", time_of(view.at)}};
}

std::string etag_of(const UpgradeView& view) {
    const auto& record = view.record;
    return rest::etag_of(view.identity + '\n' + view.rollout + '\n' +
                         std::to_string(record.number) + '\n' +
                         std::string(upgrade::name_of(record.step)) + '\n' +
                         std::string(upgrade::name_of(record.question)) + '\n' +
                         std::string(upgrade::name_of(record.end)));
}

net::HttpResponse answer_of(const UpgradeView& view, unsigned status) {
    auto out = json_answer(status, dump(to_json(view)));
    out.fields.emplace_back("ETag", etag_of(view));
    return out;
}

Result<std::optional<Step>> step_of(const std::string& name) {
    if (name.empty()) return std::optional<Step>();
    const auto step = upgrade::step_named(name);
    if (!step) return Error{"step: there is no step '" + name + "'"};
    return step;
}

Result<Answer> parse_answer(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxPortion));
    auto root = document.root(grouping::UnknownKeys::refused);
    Answer out;
    out.kind = static_cast<Answer::Kind>(root.choice("answer", kAnswers));
    const auto name = root.text_or("step", "", kMaxStep);
    const auto configuration = root.text_or("configuration", "", kMaxPortion);
    auto bytes = from_base64(configuration);
    if (!bytes) root.refuse("configuration", "is not base64");
    out.image = root.text_or("image", "", kMaxImage);
    const bool is_correction = out.kind == Answer::Kind::correct;
    const bool has_image = !out.image.empty(), has_configuration = !configuration.empty();
    if (has_configuration && (has_image || !is_correction))
        root.refuse("configuration", has_image ? "goes without an image" : "goes with 'correct'");
    if (has_image && !is_correction) root.refuse("image", "goes with 'correct'");
    if (is_correction && !has_image && !has_configuration)
        root.refuse("answer", "'correct' needs an image or a configuration");
    root.finish();
    SLUICE_CHECK(document.verdict());
    SLUICE_TRY(out.step, step_of(name));
    out.configuration = std::move(*bytes);
    return out;
}

Result<upgrade::acs::UpgradeQuery> query_of(const Call& call) {
    upgrade::acs::UpgradeQuery out;
    out.after = call.page.after;
    out.at_most = call.page.limit + 1;
    for (const auto& [name, value] : call.target.query) {
        if (name == "after" || name == "limit") continue;
        if (name == "rollout") {
            out.rollout = value;
        } else if (name == "question") {
            if (value != "true" && value != "false") return Error{"question: is not true or false"};
            out.has_question = value == "true";
        } else {
            return Error{name + ": is nothing that upgrades are listed by"};
        }
    }
    return out;
}

}  // namespace

void RestServer::Impl::list_upgrades(const Call& call) {
    const auto query = query_of(call);
    if (!query.has_value()) return refuse(call.caller, 400, query.error().message);
    std::vector<UpgradeView> all;
    if (options.upgrades.list) all = options.upgrades.list(query.value());
    reply(call.caller, json_answer(200, page_text(
                                            "upgrades", all, call.page.limit,
                                            [](const auto& u) { return u.identity; },
                                            [](const auto& u) { return to_json(u); })));
}

std::optional<UpgradeView> RestServer::Impl::upgrade_of(const Call& call) {
    auto out = options.upgrades.find ? options.upgrades.find(call.subject) : std::nullopt;
    if (!out) refuse(call.caller, 404, "no safe upgrade of a device called '" + call.subject + "'");
    return out;
}

void RestServer::Impl::show_upgrade(const Call& call) {
    if (const auto view = upgrade_of(call)) reply(call.caller, answer_of(*view, 200));
}

void RestServer::Impl::answer_upgrade(const Call& call) {
    const auto answer = parse_answer(call.request.body());
    if (!answer.has_value()) return refuse(call.caller, 422, answer.error().message);
    take_answer(call, answer.value());
}

// An edited configuration as it is, which JSON would make a third longer.
void RestServer::Impl::correct_upgrade(const Call& call) {
    Answer answer;
    answer.kind = Answer::Kind::correct;
    const auto body = as_bytes(call.request.body());
    answer.configuration.assign(body.begin(), body.end());
    const auto named = call.target.query.find("step");
    auto step = step_of(named == call.target.query.end() ? std::string() : named->second);
    if (!step.has_value()) return refuse(call.caller, 422, step.error().message);
    if (body.empty()) return refuse(call.caller, 422, "the configuration is empty");
    answer.step = step.value();
    take_answer(call, answer);
}

void RestServer::Impl::take_answer(const Call& call, const Answer& answer) {
    const auto view = upgrade_of(call);
    if (!view || !is_match(call, etag_of(*view))) return;
    service::Changes changes;
    const auto taken = options.upgrades.answer(call.subject, answer, act_of(call.caller), changes);
    if (!taken.has_value()) return refuse(call.caller, 409, taken.error().message);
    const auto word = std::string(kAnswers[static_cast<std::size_t>(answer.kind)]);
    commit(
        call.caller, std::move(changes),
        "answered '" + word + "' at " +
            std::string(upgrade::name_of(view->record.question != Step::end ? view->record.question
                                                                            : view->record.step)) +
            " of the upgrade of " + call.subject,
        answer_of(*options.upgrades.find(call.subject), 200));
}

}  // namespace sluice::rest
