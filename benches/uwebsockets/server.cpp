// uWebSockets as an echo server: compression off, as for every other server, and no limit in the way.

#include <App.h>

#include <iostream>

int main() {
    struct Client {};
    uWS::App()
        .ws<Client>("/*", {
            .compression = uWS::DISABLED,
            .maxPayloadLength = 64 * 1024 * 1024,
            .idleTimeout = 0,
            .maxBackpressure = 64 * 1024 * 1024,
            .sendPingsAutomatically = false,
            .message = [](auto *client, std::string_view message, uWS::OpCode opcode) {
                client->send(message, opcode);
            },
        })
        .listen("127.0.0.1", 0, [](us_listen_socket_t *socket) {
            if (!socket) {
                std::exit(1);
            }
            int port = us_socket_local_port(0, reinterpret_cast<us_socket_t *>(socket));
            std::cerr << "listening on ws://127.0.0.1:" << port << "/" << std::endl;
        })
        .run();
}
