//! How a store reaches its server. The rest knows conversations only, so that a test can hold one
//! without a server, and order the steps of several as it likes.

use std::sync::Once;
use std::thread;
use std::time::Duration;

use ::redis::io::tcp::TcpSettings;
use ::redis::{
    Client, Connection, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    RedisResult, Value,
};

use crate::store::Options;

/// Where conversations with servers come from.
pub trait Network: Send {
    /// Connects to the server at `address`, without a login.
    fn connect(&self, address: &ConnectionAddr, options: &Options) -> RedisResult<Box<dyn Link>>;

    /// Waits before something is tried again.
    fn pause(&self, time: Duration);
}

/// One conversation: commands go out, answers come back in their order.
pub trait Link: Send {
    /// Sends a part of one command or of several, in the protocol of Redis.
    fn send(&mut self, bytes: &[u8]) -> RedisResult<()>;

    /// Waits for the next answer. A refusal of a command is an answer too.
    fn receive(&mut self) -> RedisResult<Value>;
}

/// TCP, TLS and Unix sockets.
pub(super) struct Sockets;

impl Network for Sockets {
    fn connect(&self, address: &ConnectionAddr, options: &Options) -> RedisResult<Box<dyn Link>> {
        install_tls();
        // Login and database are hoist's own business: the crate would hide what the server says to
        // them.
        let bare = RedisConnectionInfo::default().set_skip_set_lib_name();
        let info: ConnectionInfo = address
            .clone()
            .into_connection_info()?
            .set_tcp_settings(TcpSettings::default().set_nodelay(true))
            .set_redis_settings(bare);
        let connection =
            Client::open(info)?.get_connection_with_timeout(options.connect_timeout)?;
        connection.set_read_timeout(Some(options.timeout))?;
        connection.set_write_timeout(Some(options.timeout))?;
        Ok(Box::new(connection))
    }

    fn pause(&self, time: Duration) {
        thread::sleep(time);
    }
}

impl Link for Connection {
    fn send(&mut self, bytes: &[u8]) -> RedisResult<()> {
        self.send_packed_command(bytes)
    }

    fn receive(&mut self) -> RedisResult<Value> {
        self.recv_response()
    }
}

/// Chooses ring for TLS, once a process. Should somebody have chosen before, theirs stays.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
