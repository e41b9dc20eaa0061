//! As much of Redis' protocol as is needed here.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    pub fn send(&mut self, words: &[&str]) -> io::Result<()> {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.stream.get_mut().write_all(command.as_bytes())
    }

    pub fn set(&mut self, key: &str, value: &str) -> io::Result<()> {
        self.send(&["SET", key, value])?;
        self.answer().map(drop)
    }

    pub fn get(&mut self, key: &str) -> io::Result<String> {
        self.send(&["GET", key])?;
        self.answer()
    }

    pub fn subscribe(&mut self, channels: &[&str]) -> io::Result<()> {
        self.send(&[&["SUBSCRIBE"], channels].concat())?;
        channels.iter().try_for_each(|_| self.answer().map(drop))
    }

    /// The channel of the next message.
    pub fn message(&mut self) -> io::Result<String> {
        let message = self.answer()?;
        Ok(message.split('\n').nth(1).unwrap_or_default().to_owned())
    }

    /// An answer as text; the items of a list in lines.
    pub fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let (kind, rest) = line
            .trim_end()
            .split_at_checked(1)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        match kind {
            "+" | ":" => Ok(rest.to_owned()),
            "$" if rest == "-1" => Ok(String::new()),
            "$" => {
                let length: usize = rest.parse().map_err(io::Error::other)?;
                let mut bytes = vec![0; length + 2];
                self.stream.read_exact(&mut bytes)?;
                bytes.truncate(length);
                String::from_utf8(bytes).map_err(io::Error::other)
            }
            "*" => {
                let count: usize = rest.parse().map_err(io::Error::other)?;
                let items: io::Result<Vec<String>> = (0..count).map(|_| self.answer()).collect();
                Ok(items?.join("\n"))
            }
            _ => Err(io::Error::other(line)),
        }
    }
}
