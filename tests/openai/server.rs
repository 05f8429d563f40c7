//! The server with the model, as a process that ends with the test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    pub fn start() -> Server {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new("python3")
            .arg(root.join("tests/openai/serve.py"))
            .arg(root.join("target/openai"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        let output = child.stdout.take().expect("an output");
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        read.expect("the server's address");
        let address = line.trim().trim_start_matches("http://").parse();
        let address = address.expect("an address; `make test-openai` installs the server");
        Server { child, address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
