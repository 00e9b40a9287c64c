//! `openssl s_client`, a client that can be told to misbehave.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::scene::Gateway;

/// Asks for something that needs no credentials to be refused, and has the connection closed behind the answer.
const ASK: &str = "GET /api/v2/products HTTP/1.0\r\n\r\n";

/// Connects, sends one request, and returns all that s_client says.
pub(crate) fn s_client(gateway: &Gateway, arguments: &[&str]) -> String {
    say(gateway, arguments, ASK)
}

/// Has s_client ask to negotiate anew in the middle of a connection.
pub(crate) fn renegotiate(gateway: &Gateway, arguments: &[&str]) -> String {
    // A line that is but an R is a command. What comes behind it is sent, if there is still anybody to send it to.
    say(gateway, arguments, "R\n")
}

fn say(gateway: &Gateway, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &gateway.https.to_string()]).args(arguments);
    if input == ASK {
        // It reads to the end of the connection, and not just to the end of its input. In this mode an R is just a letter.
        command.arg("-ign_eof");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("openssl is installed");
    // Where the handshake fails it is gone before it has read any of this.
    let _ = child.stdin.as_mut().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
