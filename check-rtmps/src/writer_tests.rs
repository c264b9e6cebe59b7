//! What the `rtmp` crate writes, read back by our own reader.

use super::*;
use crate::chunk::{Chunks, Message};
use crate::event::{Command, Event};
use crate::handshake_bytes as handshake;

fn run<T>(work: impl Future<Output = Result<T, Failure>>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work).unwrap()
}

fn messages(bytes: &[u8]) -> Vec<Message> {
    let mut chunks = Chunks::default();
    chunks.push(bytes);
    std::iter::from_fn(|| chunks.message().unwrap()).collect()
}

fn command(message: &Message) -> Command {
    match Event::read(message) {
        Ok(Event::Command(command)) => command,
        other => panic!("not a command: {other:?}"),
    }
}

#[test]
fn c0_and_c1_keep_bytes_four_to_seven_zero_and_the_rest_random() {
    let (first, second) = (run(Writer::default().c0_c1()), run(Writer::default().c0_c1()));
    assert_eq!(first.len(), handshake::HELLO);
    assert_eq!((first[0], &first[5..9]), (handshake::VERSION, &[0u8; 4][..]));
    assert_ne!(first[9..], second[9..]);
}

#[test]
fn a_connect_names_application_and_address_and_nothing_of_the_machine() {
    let mut writer = Writer::default();
    let bytes = [run(writer.chunk_size()), run(writer.connect("live", "rtmps://h:443/live"))].concat();
    let messages = messages(&bytes);
    assert_eq!((messages[0].kind, messages[0].body.as_slice()), (1, &4096u32.to_be_bytes()[..]));
    let connect = command(&messages[1]);
    assert_eq!((connect.name.as_str(), connect.transaction), ("connect", 1.0));
    assert_eq!((connect.text("app"), connect.text("tcUrl")), (Some("live"), Some("rtmps://h:443/live")));
}

#[test]
fn a_publish_goes_out_on_the_created_stream() {
    let mut writer = Writer::default();
    let mut bytes = run(writer.announce("key"));
    bytes.extend(run(writer.create_stream(4.0)));
    bytes.extend(run(writer.publish(5.0, 7, "key")));
    bytes.extend(run(writer.delete_stream(6.0, 7)));
    let messages = messages(&bytes);
    let names: Vec<_> = messages.iter().map(|message| command(message).name).collect();
    assert_eq!(names, ["releaseStream", "FCPublish", "createStream", "publish", "deleteStream"]);
    assert_eq!(messages[3].stream, 7);
    assert_eq!(command(&messages[3]).values[1], Value::text("key"));
}

#[test]
fn long_media_is_cut_into_chunks_that_are_put_together_again() {
    let mut writer = Writer::default();
    let body: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
    let mut bytes = run(writer.chunk_size());
    bytes.extend(run(writer.video(1, 0x0100_0000, &body)));
    bytes.extend(run(writer.audio(1, 40, &[0xaf, 1, 2])));
    let messages = messages(&bytes);
    assert_eq!((messages[1].kind, messages[1].stream, &messages[1].body), (9, 1, &body));
    assert_eq!((messages[2].kind, messages[2].body.as_slice()), (8, &[0xaf, 1, 2][..]));
}

#[test]
fn control_answers_are_what_the_specification_says() {
    let mut writer = Writer::default();
    let bytes = [run(writer.window(65_536)), run(writer.acknowledgement(9)), run(writer.pong(5))].concat();
    let messages = messages(&bytes);
    assert_eq!(Event::read(&messages[0]), Ok(Event::Window(65_536)));
    assert_eq!(Event::read(&messages[1]), Ok(Event::Acknowledgement(9)));
    assert_eq!((messages[2].kind, messages[2].body.as_slice()), (4, &[0, 7, 0, 0, 0, 5][..]));
}
