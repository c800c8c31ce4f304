//! A server in this process, with an application of the test's own.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use microws_host::socketio::Application;
use microws_host::{Config, Handle, Server, Stats};
use microws_tests::raw::{Answer, Raw};

use crate::support::{SEPARATOR, request, say, sid, target, text, upgrade};

pub(crate) struct Program {
    pub address: SocketAddr,
    pub handle: Handle,
    thread: Option<JoinHandle<Stats>>,
}

impl Program {
    /// Two namespaces, one acknowledgement at a time, payloads of at most 10,000 bytes.
    pub(crate) fn start(application: impl Application + 'static) -> Self {
        Self::serve(|server| server.application(application))
    }

    /// With more of the server's configuration.
    pub(crate) fn serve(finish: impl FnOnce(Server) -> Server) -> Self {
        Self::configured(|_| {}, finish)
    }

    /// With other values as well.
    pub(crate) fn configured(
        change: impl FnOnce(&mut Config),
        finish: impl FnOnce(Server) -> Server,
    ) -> Self {
        let mut config = Config::default();
        config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()];
        config.timeouts.close_within = 200;
        config.socketio.namespaces.push("/other".into());
        config.socketio.awaited_acks = 1;
        config.socketio.max_payload = 10_000;
        change(&mut config);
        let server = finish(Server::bind(config).unwrap());
        let (address, handle) = (server.addresses()[0], server.handle().try_clone().unwrap());
        Self { address, handle, thread: Some(thread::spawn(move || server.run().unwrap())) }
    }

    /// A session over a WebSocket, whose open packet was read.
    pub(crate) fn open(&self) -> Raw {
        let mut client = Raw::connect(self.address);
        client.send(&upgrade(&target("websocket")));
        client.accepted();
        assert!(text(&mut client).starts_with("0{"));
        client
    }

    /// [`open`](Self::open), in a namespace: `/name,` or nothing.
    pub(crate) fn joined(&self, namespace: &str) -> Raw {
        let mut client = self.open();
        say(&mut client, &format!("40{namespace}"));
        assert!(text(&mut client).starts_with(&format!("40{namespace}{{")));
        client
    }

    /// A session over polling, in the main namespace: the target of its requests.
    pub(crate) fn polling(&self) -> String {
        let sid = sid(&self.ask("GET", &target("polling"), "").body);
        let target = target(&format!("polling&sid={sid}"));
        assert_eq!(self.ask("POST", &target, "40").body, "ok");
        let joined = self.ask("GET", &target, "").body;
        assert!(joined.starts_with("40{") && !joined.contains(SEPARATOR), "{joined}");
        target
    }

    /// A request on a connection of its own.
    pub(crate) fn ask(&self, method: &str, target: &str, content: &str) -> Answer {
        let mut client = Raw::connect(self.address);
        request(&mut client, method, target, "", content);
        client.answer().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.handle.stop();
        let stats = self.thread.take().unwrap().join();
        assert!(thread::panicking() || stats.is_ok());
    }
}
