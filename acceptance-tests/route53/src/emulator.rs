//! The emulator as a whole: three listeners over one account.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::{self, Knobs, NewZone, Service, create_zone},
    control,
    dns::{self, Control, Server},
    error::ServiceError,
    log::Call,
    model::{Name, Snapshot, Store, WorldHealth},
};

/// How an emulator is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the API listens. There is no access control: anything but loopback is at the caller's risk.
    pub listen: SocketAddr,
    /// Where the control endpoint listens.
    pub control: SocketAddr,
    /// Where DNS listens, UDP and TCP.
    pub dns: SocketAddr,
    /// Faults and times, which the control endpoint can change later.
    pub knobs: Knobs,
    /// Who is where, and how answers are drawn; likewise.
    pub dns_settings: dns::Settings,
}

impl Default for Options {
    /// Free ports on 127.0.0.1, changes that are INSYNC at once, no faults.
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: free,
            control: free,
            dns: free,
            knobs: Knobs::default(),
            dns_settings: dns::Settings::default(),
        }
    }
}

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A listener could not be bound.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The DNS settings are none.
    #[error("the DNS settings are not valid")]
    Settings(#[from] dns::SettingsError),
}

/// A running emulator. It ends when it is dropped.
#[derive(Debug)]
pub struct Emulator {
    /// Such as `http://127.0.0.1:1234`, for `AWS_ENDPOINT_URL_ROUTE_53`.
    pub api_url: String,
    /// Such as `http://127.0.0.1:1235`.
    pub control_url: String,
    /// Where DNS answers.
    pub dns_addr: SocketAddr,
    service: Arc<Service>,
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Emulator {
    /// Starts an emulator with an empty account. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When a port is taken, or the DNS settings are wrong.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let api = bind(options.listen).await?;
        let control = bind(options.control).await?;
        let dns = Server::bind(options.dns)
            .await
            .map_err(|source| StartError::Listen { address: options.dns, source })?;
        let address = |listener: &TcpListener, asked| {
            listener.local_addr().map_err(|source| StartError::Listen { address: asked, source })
        };
        let (api_url, control_url) = (
            format!("http://{}", address(&api, options.listen)?),
            format!("http://{}", address(&control, options.control)?),
        );
        let dns_addr = dns.address();

        let store = Arc::new(Store::new());
        let names = Arc::new(Control::new(options.dns_settings)?);
        let service =
            Service::new(Arc::clone(&store), Arc::clone(&names), options.knobs.clone(), Timestamp::now());
        let service = Arc::new(service);
        let (token, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(api::serve(api, tasks.clone(), token.clone(), api::handler(Arc::clone(&service))));
        let handler = control::handler(Arc::clone(&service), options.knobs);
        tasks.spawn(api::serve(control, tasks.clone(), token.clone(), handler));
        tasks.spawn(token.clone().run_until_cancelled_owned(dns.run(store, names)));
        Ok(Self { api_url, control_url, dns_addr, service, token, tasks })
    }

    /// Makes a public hosted zone and returns its id.
    ///
    /// # Errors
    /// As CreateHostedZone.
    pub fn create_zone(&self, name: Name) -> Result<String, ServiceError> {
        let change = self.service.new_change(None);
        let new = NewZone { name, caller_reference: change.id.clone(), comment: None, vpc: None };
        self.service.store.write(|state| create_zone(state, new, &change)).map(|zone| zone.id)
    }

    /// The calls of the API since the start or the last reset.
    pub fn calls(&self) -> Vec<Call> {
        self.service.log.calls()
    }

    /// Forgets the calls so far.
    pub fn reset_calls(&self) {
        self.service.log.reset();
    }

    /// Turns knobs, as `/knobs` of the control endpoint.
    pub fn turn(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.service.knobs());
    }

    /// Says how endpoints and load balancers are, as `/health` of the control endpoint.
    pub fn set_health(&self, set: impl FnOnce(&mut WorldHealth)) {
        self.service.store.write(|state| set(&mut state.world));
    }

    /// What the name servers know now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.service.store.snapshot()
    }

    /// Ends all listeners and connections and waits until they are gone.
    pub async fn stop(self) {
        self.token.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}
