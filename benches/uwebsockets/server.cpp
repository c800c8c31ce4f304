// uWebSockets as an echo server without a limit in the way. Without arguments plain, with --tls-cert FILE --tls-key FILE
// over OpenSSL, with "shared" or "dedicated" compressing replies by the compressor of that name.

#include <App.h>

#include <cstring>
#include <iostream>

template <typename App>
void serve(App &&app, const char *scheme, uWS::CompressOptions compression = uWS::DISABLED) {
    struct Client {};
    app.template ws<Client>("/*", {
            .compression = compression,
            .maxPayloadLength = 64 * 1024 * 1024,
            .idleTimeout = 0,
            .maxBackpressure = 64 * 1024 * 1024,
            .sendPingsAutomatically = false,
            .message = [](auto *client, std::string_view message, uWS::OpCode opcode) {
                // Where compression is off, the last argument has no effect.
                client->send(message, opcode, true);
            },
        })
        .listen("127.0.0.1", 0, [scheme](us_listen_socket_t *socket) {
            if (!socket) {
                std::exit(1);
            }
            int port = us_socket_local_port(0, reinterpret_cast<us_socket_t *>(socket));
            std::cerr << "listening on " << scheme << "://127.0.0.1:" << port << "/" << std::endl;
        })
        .run();
}

int main(int count, char **arguments) {
#ifndef LIBUS_NO_SSL
    if (count == 5 && !std::strcmp(arguments[1], "--tls-cert") && !std::strcmp(arguments[3], "--tls-key")) {
        serve(uWS::SSLApp({.key_file_name = arguments[4], .cert_file_name = arguments[2]}), "wss");
        return 0;
    }
#endif
    uWS::CompressOptions compression = uWS::DISABLED;
    if (count == 2 && !std::strcmp(arguments[1], "shared")) {
        compression = uWS::SHARED_COMPRESSOR;
    } else if (count == 2 && !std::strcmp(arguments[1], "dedicated")) {
        compression = uWS::DEDICATED_COMPRESSOR;
    }
    serve(uWS::App(), "ws", compression);
}
