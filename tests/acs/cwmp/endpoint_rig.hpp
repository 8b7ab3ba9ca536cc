#pragma once
// The CWMP endpoint on loopback with a desk that does what a test tells it, and CPEs that knock at
// it over real sockets.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <sys/random.h>
#include <vector>

#include "acs-plugin/cwmp/endpoint.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/net/client_auth.hpp"
#include "tests/net/io_thread.hpp"
#include "tests/net/raw_client.hpp"

namespace sluice::cwmp::acs {

class FakeDesk final : public Desk {
public:
    struct Transfer {
        std::string identity, key;
        std::uint32_t fault = 0;
        std::string why;
    };
    std::map<std::string, service::DeviceRow> rows;
    std::vector<service::Contact> contacts;
    std::vector<Transfer> transfers;
    std::vector<service::OrderAnswer> answers;
    std::deque<service::DeviceOrder> orders;  // of whoever asks first
    bool records = true;
    bool is_away = false;  // its planner is
    // What is not durable yet waits here.
    bool is_held = false;
    std::vector<std::function<void()>> held;

    void find(const std::string& identity, std::function<void(Found)> then) override {
        if (is_away) return then({DeskWord::away, {}});
        const auto at = rows.find(identity);
        then({DeskWord::taken, at == rows.end() ? std::nullopt : std::optional(at->second)});
    }
    void on_contact(const service::Contact& contact, std::function<void(Told)> then) override {
        if (const auto checked = inventory::check(contact.report); !checked.has_value())
            return then({DeskWord::refused, checked.error().message});
        contacts.push_back(contact);
        const auto identity = inventory::identity_of(contact.report);
        auto& row = rows[identity];
        row.identity = identity;
        row.report = contact.report;
        row.connection_url = contact.connection_url;
        row.config_version = contact.config_version;
        then({});
    }
    void on_transfer_complete(const std::string& identity, const std::string& key,
                              std::uint32_t fault, const std::string& why,
                              std::function<void(bool)> recorded) override {
        transfers.push_back({identity, key, fault, why});
        when_durable([this, recorded = std::move(recorded)] { recorded(records); });
    }
    void next_order(const std::string&, std::function<void(Order)> give) override {
        if (is_away) return give({DeskWord::away, {}});
        if (orders.empty()) return give({});
        when_durable([order = orders.front(), give = std::move(give)] {
            give({DeskWord::taken, order});
        });
    }
    void on_order_answer(const std::string&, const service::OrderAnswer& answer) override {
        answers.push_back(answer);
        orders.pop_front();
    }

private:
    void when_durable(std::function<void()> then) {
        if (!is_held) return then();
        held.push_back(std::move(then));
    }
};

class EndpointRig {
public:
    // `change` sees the options before they are used: no credentials, nothing to be asked for.
    explicit EndpointRig(const std::function<void(EndpointOptions&)>& change = nullptr) {
        EndpointOptions options;
        options.listen = {{"127.0.0.1", 0}};
        options.terms.mapping = mapping::built_in_mapping();
        options.terms.mapping.asked.clear();
        options.terms.mapping.asks_for_agent = false;
        options.clock = [] { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; };
        options.random = [](std::span<std::uint8_t> out) {
            (void)!getrandom(out.data(), out.size(), 0);
        };
        if (change) change(options);
        thread.run([&] {
            endpoint = Endpoint::start(thread.io(), desk, std::move(options)).value();
            port = endpoint->port();
        });
    }
    ~EndpointRig() {
        thread.run([this] { endpoint.reset(); });
    }
    template <class Task>
    auto run(Task task) {
        return thread.run(std::move(task));
    }
    EndpointCounters counters() {
        return run([this] { return endpoint->counters(); });
    }
    // Polls until the condition on the endpoint's thread holds; false after five seconds.
    template <class Condition>
    bool becomes_true(Condition condition) {
        for (int i = 0; i < 5000; ++i) {
            if (run(condition)) return true;
            ::usleep(1000);
        }
        return false;
    }

    FakeDesk desk;
    std::uint16_t port = 0;
    std::unique_ptr<Endpoint> endpoint;
    tests::IoThread thread;
};

// One CPE's HTTP: a connection, its credentials, its cookie.
class Cpe {
public:
    explicit Cpe(std::uint16_t port, const http::Credentials& credentials = {})
        : port_(port), auth_(credentials, net::BasicPolicy::refused) {
        reconnect();
    }
    void reconnect() { client_ = std::make_unique<tests::RawClient>(port_); }
    tests::RawClient& socket() { return *client_; }

    // Answers a challenge, once; keeps the cookie.
    tests::RawClient::Answer post(const std::string& body, const std::string& fields = {}) {
        for (bool is_again = false;; is_again = true) {
            send(body, fields);
            auto answer = client_->receive_answer();
            take_cookie(answer.head);
            if (answer.status != 401 || is_again || !learn(answer.head)) return answer;
            ++challenged;
        }
    }
    void send(const std::string& body, const std::string& fields = {}) {
        client_->send(head(body.size(), fields) + body);
    }
    std::string head(std::size_t length, const std::string& fields) {
        std::string out = "POST /acs HTTP/1.1\r\nHost: acs.test\r\nSOAPAction:\r\n";
        if (!cookie.empty()) out += "Cookie: " + cookie + "\r\n";
        if (const auto value = auth_.authorization("POST", "/acs");
            !value.empty() && says_who_it_is)
            out += "Authorization: " + value + "\r\n";
        if (fields.find("Transfer-Encoding") == std::string::npos)
            out += "Content-Length: " + std::to_string(length) + "\r\n";
        return out + fields + "\r\n";
    }

    std::string cookie;
    bool keeps_cookies = true;
    bool says_who_it_is = true;
    int challenged = 0;

private:
    static std::string field_of(const std::string& head, const std::string& name) {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) return {};
        const auto begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
    void take_cookie(const std::string& head) {
        const auto value = field_of(head, "Set-Cookie");
        if (keeps_cookies && !value.empty()) cookie = value.substr(0, value.find(';'));
    }
    bool learn(const std::string& head) {
        return auth_.learn({field_of(head, "WWW-Authenticate")}, false);
    }

    std::uint16_t port_;
    net::ClientAuth auth_;
    std::unique_ptr<tests::RawClient> client_;
};

// --- what CPEs say ------------------------------------------------------------------------------

inline std::string body_of(cwmp::Message message, std::string id = "1",
                           cwmp::Namespace ns = cwmp::Namespace::cwmp_1_2) {
    cwmp::Envelope out{ns, {}, std::move(message)};
    out.header.id = std::move(id);
    return cwmp::encode(out);
}
inline cwmp::Inform an_inform(const std::string& serial = "S1",
                              std::vector<cwmp::EventStruct> events = {{"2 PERIODIC", ""}}) {
    return {{"Acme", "00D09E", "Box", serial},
            std::move(events),
            1,
            "2026-01-01T00:00:00Z",
            0,
            {{"Device.DeviceInfo.SoftwareVersion", "1.0", "xsd:string"}}};
}
inline cwmp::TransferComplete a_transfer(const std::string& key) {
    return {key, {}, "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"};
}
inline service::DownloadOrder an_upgrade(const std::string& key) {
    service::DownloadOrder out;
    out.command_key = key;
    out.url = "http://192.0.2.1:7548/p/token/image.bin";
    return out;
}

// "Download", "InformResponse", "Fault 8003", "" for an empty body, "?" for what is no CWMP.
inline std::string said(const std::string& body) {
    if (body.empty()) return {};
    const auto envelopes = cwmp::decode_all(body);
    if (!envelopes.has_value()) return "?";
    std::string out;
    for (const auto& envelope : envelopes.value()) {
        if (!out.empty()) out += " + ";
        out += cwmp::method_name(*envelope.message);
        if (const auto* fault = std::get_if<cwmp::Fault>(&*envelope.message))
            out += " " + std::to_string(fault->code);
    }
    return out;
}
template <class T>
T message_in(const std::string& body) {
    return std::get<T>(*cwmp::decode(body).value().message);
}

}  // namespace sluice::cwmp::acs
