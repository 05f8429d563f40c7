//! Stands between the program and a server, hands everything on, and notes when.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// What went over one connection.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// Pieces that the server sent.
    pub pieces: usize,
    /// When the program closed it before the server did.
    pub closed_by_us: Option<Instant>,
    is_closed_by_server: bool,
}

pub struct Proxy {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Proxy {
    pub fn before(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::<Mutex<Vec<Connection>>>::default();
        let noted = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(near), Ok(far)) = (stream, TcpStream::connect(server)) else {
                    return;
                };
                let number = {
                    let mut all = noted.lock().expect("notes");
                    all.push(Connection::default());
                    all.len() - 1
                };
                for (from, to, who) in [(&near, &far, Who::Program), (&far, &near, Who::Server)] {
                    let (from, to) = (
                        from.try_clone().expect("a socket"),
                        to.try_clone().expect("a socket"),
                    );
                    let noted = noted.clone();
                    thread::spawn(move || hand_on(from, to, who, &noted, number));
                }
            }
        });
        Proxy {
            address,
            connections,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn connections(&self) -> Vec<Connection> {
        self.connections.lock().expect("notes").clone()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Who {
    Program,
    Server,
}

fn hand_on(
    mut from: TcpStream,
    mut to: TcpStream,
    who: Who,
    noted: &Mutex<Vec<Connection>>,
    number: usize,
) {
    let mut buffer = [0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if who == Who::Server {
            noted.lock().expect("notes")[number].pieces += 1;
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let now = Instant::now();
    {
        let connection = &mut noted.lock().expect("notes")[number];
        match who {
            Who::Program if !connection.is_closed_by_server => {
                connection.closed_by_us.get_or_insert(now);
            }
            Who::Server if connection.closed_by_us.is_none() => {
                connection.is_closed_by_server = true
            }
            _ => {}
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
