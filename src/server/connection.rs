//! Connections: how many there may be, how long they may take, and how they end.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep, timeout};

use super::body::Body;
use super::places::{Places, Taken};
use super::{State, route};

/// Header fields of one request.
const FIELDS: usize = 64;

/// The pause after a connection could not be taken: usually there are too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes connections until `end`, and lets those that are there finish what they do.
pub(super) async fn accept(
    listener: TcpListener,
    state: Arc<State>,
    end: impl Future<Output = ()>,
) {
    let limits = state.options.limits;
    let places = Places::new(limits.connections);
    let graceful = GracefulShutdown::new();
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        let (stream, _) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "hoist::server", %error, "a connection was not taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        // Whoever comes meanwhile waits in the system's queue.
        let place = tokio::select! {
            place = places.take() => place,
            () = &mut end => break,
        };
        let (state, watcher) = (Arc::clone(&state), graceful.watcher());
        tokio::spawn(async move {
            state.metrics.connections.up();
            tokio::select! {
                () = serve(stream, &state, watcher, &place) => {}
                () = place.is_wanted() => {}
            }
            state.metrics.connections.down();
        });
    }
    drop(listener);
    state.closing.send_replace(true);
    let _ = timeout(limits.grace, graceful.shutdown()).await;
}

async fn serve(stream: TcpStream, state: &Arc<State>, watcher: Watcher, place: &Taken) {
    // Answers are small, and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let Some(identity) = &state.options.identity else {
        return converse(stream, state, watcher, place).await;
    };
    let shaken = timeout(
        state.options.limits.head,
        identity.acceptor().accept(stream),
    );
    // Whoever speaks no TLS is not worth a word.
    if let Ok(Ok(stream)) = shaken.await {
        converse(stream, state, watcher, place).await;
    }
}

async fn converse<S>(stream: S, state: &Arc<State>, watcher: Watcher, place: &Taken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &state.options.limits;
    let service = service_fn(|request| {
        let state = Arc::clone(state);
        async move {
            place.is_active();
            let answer = route::answer(&state, request).await;
            match answer.body() {
                Body::Whole(_) => place.is_active(),
                Body::Stream(_) => place.stays(),
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes)
        .max_headers(FIELDS)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.stall)), service);
    // How a connection ends is the client's affair.
    let _ = watcher.watch(connection).await;
}

/// A connection that is given up where the other side takes nothing for so long.
struct Patient<S> {
    stream: S,
    limit: Duration,
    /// Runs while there is something to send, and nobody takes it.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            stalled: None,
        }
    }

    fn wait<T>(
        &mut self,
        context: &mut Context<'_>,
        sent: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.stalled = None;
            return sent;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wait(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.wait(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(context);
        self.wait(context, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_shutdown(context);
        self.wait(context, sent)
    }
}
