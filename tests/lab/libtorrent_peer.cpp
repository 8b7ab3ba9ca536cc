// A peer of the lab: one host of a tuned libtorrent v2 swarm, to run beside our agents on the same
// links.
//
//   libtorrent_peer create FILE PIECE_BYTES TORRENT
//   libtorrent_peer fetch TORRENT FOLDER ADDRESS:PORT [PEER_ADDRESS:PORT | WEB_SEED_URL]...
//   libtorrent_peer poison TORRENT FOLDER ADDRESS:PORT [PEER_ADDRESS:PORT]...
//
// `poison` says that it has everything, and gives what lies in FOLDER, right or wrong. `fetch`
// prints "ready T", starts when its standard input ends, prints "finished T" once the last piece is
// verified (T: CLOCK_MONOTONIC in seconds, one clock for all namespaces), and seeds until it is
// killed.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/create_torrent.hpp>
#include <libtorrent/posix_disk_io.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/torrent_info.hpp>
#include <string>
#include <string_view>
#include <time.h>
#include <vector>

namespace {

double monotonic_seconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void say(const char* what) {
    std::printf("%s %.6f\n", what, monotonic_seconds());
    std::fflush(stdout);
}

int create(const std::string& file, int piece_bytes, const std::string& torrent_path) {
    const auto slash = file.find_last_of('/');
    const auto folder = slash == std::string::npos ? std::string{"."} : file.substr(0, slash);
    lt::file_storage files;
    lt::add_files(files, file);
    lt::create_torrent torrent(files, piece_bytes, lt::create_torrent::v2_only);
    lt::set_piece_hashes(torrent, folder);
    std::ofstream out(torrent_path, std::ios::binary);
    lt::bencode(std::ostream_iterator<char>(out), torrent.generate());
    return out.flush() ? 0 : 1;
}

lt::settings_pack tuned(const std::string& listen) {
    lt::settings_pack pack;
    pack.set_str(lt::settings_pack::listen_interfaces, listen);
    pack.set_int(lt::settings_pack::alert_mask, lt::alert_category::status);
    for (const auto name :
         {lt::settings_pack::enable_dht, lt::settings_pack::enable_lsd,
          lt::settings_pack::enable_upnp, lt::settings_pack::enable_natpmp,
          lt::settings_pack::enable_incoming_utp, lt::settings_pack::enable_outgoing_utp,
          lt::settings_pack::smooth_connects,
          // With the default a swarm of ten may hang at the last piece: peers
          // drop the master that has just finished.
          lt::settings_pack::close_redundant_connections}) {
        pack.set_bool(name, false);
    }
    pack.set_int(lt::settings_pack::out_enc_policy, lt::settings_pack::pe_disabled);
    pack.set_int(lt::settings_pack::in_enc_policy, lt::settings_pack::pe_disabled);
    pack.set_int(lt::settings_pack::connection_speed, 500);
    pack.set_int(lt::settings_pack::min_reconnect_time, 1);
    pack.set_int(lt::settings_pack::unchoke_slots_limit, -1);
    pack.set_int(lt::settings_pack::choking_algorithm, lt::settings_pack::fixed_slots_choker);
    return pack;
}

lt::tcp::endpoint endpoint_of(const std::string& text) {
    const auto colon = text.rfind(':');
    return {lt::make_address(text.substr(0, colon)),
            static_cast<unsigned short>(std::stoi(text.substr(colon + 1)))};
}

int fetch(const std::string& torrent_path, const std::string& folder, const std::string& listen,
          const std::vector<std::string>& sources) {
    lt::session_params params(tuned(listen));
    params.disk_io_constructor = lt::posix_disk_io_constructor;
    lt::session session(std::move(params));

    lt::add_torrent_params torrent;
    torrent.ti = std::make_shared<lt::torrent_info>(torrent_path);
    torrent.save_path = folder;
    torrent.flags &= ~(lt::torrent_flags::paused | lt::torrent_flags::auto_managed);
    torrent.max_connections = 500;
    torrent.max_uploads = -1;
    for (const auto& source : sources) {
        if (source.starts_with("http://")) {
            torrent.url_seeds.push_back(source);
            continue;
        }
        torrent.peers.push_back(endpoint_of(source));
    }

    say("ready");
    while (std::cin.get() != std::istream::traits_type::eof()) {
    }
    session.add_torrent(std::move(torrent));
    for (;;) {
        session.wait_for_alert(std::chrono::seconds(1));
        std::vector<lt::alert*> alerts;
        session.pop_alerts(&alerts);
        for (const auto* alert : alerts) {
            if (lt::alert_cast<lt::torrent_finished_alert>(alert)) {
                say("finished");
            }
        }
    }
}

int poison(const std::string& torrent_path, const std::string& folder, const std::string& listen,
           const std::vector<std::string>& peers) {
    lt::session_params params(tuned(listen));
    params.disk_io_constructor = lt::posix_disk_io_constructor;
    lt::session session(std::move(params));
    lt::add_torrent_params torrent;
    torrent.ti = std::make_shared<lt::torrent_info>(torrent_path);
    torrent.save_path = folder;
    torrent.flags &= ~(lt::torrent_flags::paused | lt::torrent_flags::auto_managed);
    torrent.have_pieces.resize(torrent.ti->num_pieces(), true);
    for (const auto& peer : peers) torrent.peers.push_back(endpoint_of(peer));
    session.add_torrent(std::move(torrent));
    std::vector<lt::alert*> alerts;
    for (;;) {  // until they are taken, the wait for them is over at once
        session.wait_for_alert(std::chrono::hours(1));
        session.pop_alerts(&alerts);
    }
}

}  // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 4 && words[0] == "create") {
        return create(words[1], std::stoi(words[2]), words[3]);
    }
    if (words.size() >= 4 && words[0] == "fetch") {
        return fetch(words[1], words[2], words[3], {words.begin() + 4, words.end()});
    }
    if (words.size() >= 4 && words[0] == "poison") {
        return poison(words[1], words[2], words[3], {words.begin() + 4, words.end()});
    }
    std::fputs(
        "usage: libtorrent_peer create FILE PIECE_BYTES TORRENT\n"
        "       libtorrent_peer fetch TORRENT FOLDER ADDRESS:PORT [SOURCE]...\n"
        "       libtorrent_peer poison TORRENT FOLDER ADDRESS:PORT [PEER]...\n",
        stderr);
    return 2;
} catch (const std::exception& error) {
    std::fprintf(stderr, "libtorrent_peer: %s\n", error.what());
    return 1;
}
