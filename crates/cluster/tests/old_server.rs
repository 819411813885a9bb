//! A server that is too old is refused at once, in a sentence. It is played here: nobody ships one any more.

use cluster::Settings;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

async fn play(socket: TcpStream, version: &str) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    let info = format!(
        "INFO {{\"server_id\":\"A\",\"server_name\":\"old\",\"version\":\"{version}\",\"proto\":1,\"headers\":true,\
         \"host\":\"127.0.0.1\",\"port\":1,\"max_payload\":1048576,\"jetstream\":true}}\r\n"
    );
    socket.write_all(info.as_bytes()).await?;
    let mut line = String::new();
    while socket.read_line(&mut line).await? > 0 {
        if line.starts_with("PING") {
            socket.write_all(b"PONG\r\n").await?;
        }
        line.clear();
    }
    Ok(())
}

async fn refused(version: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(play(socket, version));
        }
    });
    let error = cluster::connect(Settings::new(vec![format!("nats://{address}")], "gw")).await.err();
    server.abort();
    error.expect("refused").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_too_old_is_named_with_its_version() {
    for version in ["2.10.27", "2.9.10"] {
        let text = format!(
            "the NATS server old is version {version}; 2.11 or newer is needed, as only those tell when a lease ends"
        );
        assert_eq!(refused(version).await, text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_is_named() {
    let error = cluster::connect(Settings::new(vec!["nats://host:port".to_owned()], "gw")).await.err();
    let text = error.expect("refused").to_string();
    assert!(text.starts_with("no NATS server answers at nats://host:port: `nats://host:port` is no address"), "{text}");
}
