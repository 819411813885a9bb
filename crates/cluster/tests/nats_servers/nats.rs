//! NATS servers that a test starts, and ends by their ids.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cluster::{Cluster, Settings};

/// The longest that three servers may take to be one.
const READY_MAX: Duration = Duration::from_secs(30);

/// Servers with JetStream in a scratch folder.
pub(crate) struct Servers {
    folder: PathBuf,
    ports: Vec<u16>,
    running: Vec<Option<Child>>,
    extra: String,
}

fn free_ports(count: usize) -> Vec<u16> {
    // Held together, so that they are different.
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

impl Servers {
    pub(crate) async fn start(count: usize) -> Servers {
        Servers::with(count, "").await
    }

    /// With lines that go into each configuration.
    pub(crate) async fn with(count: usize, extra: &str) -> Servers {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let folder = format!("gatewright-nats-{}-{}", std::process::id(), FOLDERS.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut servers =
            Servers { folder, ports: free_ports(2 * count), running: Vec::new(), extra: extra.to_owned() };
        for index in 0..count {
            let child = servers.run(index);
            servers.running.push(Some(child));
        }
        servers
    }

    fn count(&self) -> usize {
        self.ports.len() / 2
    }

    fn run(&self, index: usize) -> Child {
        let count = self.count();
        let (port, route) = (self.ports[index], self.ports[count + index]);
        let routes: Vec<String> =
            self.ports[count..].iter().map(|port| format!("nats-route://127.0.0.1:{port}")).collect();
        let cluster = match count {
            1 => String::new(),
            _ => format!("cluster {{ name: gw, listen: \"127.0.0.1:{route}\", routes: [{}] }}\n", routes.join(", ")),
        };
        let store = self.folder.join(format!("s{index}"));
        let text = format!(
            "server_name: n{index}\nlisten: \"127.0.0.1:{port}\"\n\
             jetstream {{ store_dir: \"{}\", max_mem: 64MB, max_file: 256MB }}\n{cluster}{}\n",
            store.display(),
            self.extra
        );
        let file = self.folder.join(format!("n{index}.conf"));
        std::fs::write(&file, text).unwrap();
        let program = std::env::var_os("GATEWRIGHT_NATS_SERVER").expect("GATEWRIGHT_NATS_SERVER names nats-server");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join(format!("n{index}.log")));
        let started = Command::new(program).arg("-c").arg(&file).stdout(Stdio::null()).stderr(log.unwrap()).spawn();
        started.expect("nats-server starts")
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.ports[..self.count()].iter().map(|port| format!("nats://127.0.0.1:{port}")).collect()
    }

    /// Settings of a node that prefers one of the servers.
    pub(crate) fn settings(&self, preferred: usize) -> Settings {
        let mut addresses = self.addresses();
        addresses.rotate_left(preferred % self.count());
        Settings {
            lease: Duration::from_secs(3),
            replicas: self.count(),
            node_address: format!("127.0.0.{}", preferred + 1),
            ..Settings::new(addresses, "test")
        }
    }

    /// A node, once the servers are ready.
    pub(crate) async fn node(&self, preferred: usize) -> Cluster {
        self.node_with(self.settings(preferred)).await
    }

    /// The same with other settings.
    pub(crate) async fn node_with(&self, settings: Settings) -> Cluster {
        let begun = Instant::now();
        loop {
            match cluster::connect(settings.clone()).await {
                Ok(cluster) => return cluster,
                Err(error) if begun.elapsed() > READY_MAX => panic!("{error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// Ends one as a power cut would.
    pub(crate) fn kill(&mut self, index: usize) {
        if let Some(mut child) = self.running[index].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Has one stand still, or go on: its sockets stay, and nobody answers.
    pub(crate) fn signal(&self, index: usize, signal: rustix::process::Signal) {
        if let Some(child) = &self.running[index] {
            rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
        }
    }

    pub(crate) fn restart(&mut self, index: usize) {
        self.kill(index);
        self.running[index] = Some(self.run(index));
    }

    /// The index of the server that leads a stream.
    pub(crate) async fn leader(&self, stream: &str) -> usize {
        let client = async_nats::connect(self.addresses()).await.unwrap();
        let context = async_nats::jetstream::new(client);
        let stream = context.get_stream(stream).await.unwrap();
        let leader = stream.cached_info().cluster.as_ref().and_then(|cluster| cluster.leader.clone());
        leader.and_then(|name| name.strip_prefix('n').and_then(|index| index.parse().ok())).unwrap_or_default()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
