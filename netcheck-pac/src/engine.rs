//! The script engine: a thread of its own for each call, which can be told to stop, and left behind where it does not.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use rquickjs::context::EvalOptions;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, IntoJs, Object, Runtime, Value};

use crate::address;
use crate::evaluate::{Evaluation, Limits, PacFault};

/// The functions of a browser.
const FUNCTIONS: &str = include_str!("functions.js");
/// How deep a script may call, in bytes of stack, and the stack of its thread.
const STACK: usize = 1 << 20;
const THREAD_STACK: usize = 4 << 20;
/// How long a name that is asked for may be.
const LONGEST_NAME: usize = 255;

/// What is asked of a script.
#[derive(Clone, Debug)]
pub struct Question {
    /// The script.
    pub script: Arc<str>,
    /// The URL as the script may see it.
    pub url: String,
    /// Its host.
    pub host: String,
}

/// What the engine wants or has.
#[derive(Debug)]
pub enum Event {
    /// The addresses of a name; nothing sent, or an empty list, is a name that does not resolve.
    Name {
        /// The name.
        name: String,
        /// Where the addresses go.
        reply: Sender<Vec<IpAddr>>,
    },
    /// This machine's own addresses.
    Own {
        /// Where the addresses go.
        reply: Sender<Vec<IpAddr>>,
    },
    /// The script has ended.
    Done(Evaluation),
}

/// Tells a running script to stop.
#[derive(Clone, Debug)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The script ends at its next step, unless it is inside a function of the engine that does not look.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts a script; `events` is called from its thread. The last event is [`Event::Done`].
///
/// # Errors
/// The system has no thread left.
pub fn start(
    question: Question,
    limits: Limits,
    events: impl Fn(Event) + Send + 'static,
) -> std::io::Result<Stop> {
    let stop = Stop(Arc::default());
    let told = stop.clone();
    let work = move || {
        let link = Rc::new(Link { events: Box::new(events), names: RefCell::default(), limit: limits.names });
        let answer = run(&question, &limits, &told, &link);
        let names = link.names.borrow().iter().map(|(name, _)| name.clone()).collect();
        (link.events)(Event::Done(Evaluation { answer, names }));
    };
    thread::Builder::new().name("pac".into()).stack_size(THREAD_STACK).spawn(work)?;
    Ok(stop)
}

/// The way from the script to whoever resolves names.
struct Link {
    events: Box<dyn Fn(Event)>,
    /// Names that were asked for, each once.
    names: RefCell<Vec<(String, Vec<IpAddr>)>>,
    limit: usize,
}

impl Link {
    fn addresses(&self, name: &str) -> Vec<IpAddr> {
        if let Ok(address) = name.trim_start_matches('[').trim_end_matches(']').parse() {
            return vec![address];
        }
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Vec::new();
        }
        let Ok(name) = idna::domain_to_ascii(name) else { return Vec::new() };
        if let Some((_, known)) = self.names.borrow().iter().find(|(known, _)| *known == name) {
            return known.clone();
        }
        // As in Chromium: beyond the limit nothing resolves.
        if self.names.borrow().len() >= self.limit {
            return Vec::new();
        }
        let (reply, told) = channel();
        (self.events)(Event::Name { name: name.clone(), reply });
        let addresses = told.recv().unwrap_or_default();
        self.names.borrow_mut().push((name, addresses.clone()));
        addresses
    }

    fn own_addresses(&self) -> Vec<IpAddr> {
        let (reply, told) = channel();
        (self.events)(Event::Own { reply });
        told.recv().unwrap_or_default()
    }
}

fn joined(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")
}

fn first_v4(addresses: &[IpAddr]) -> Option<String> {
    addresses.iter().find(|address| address.is_ipv4()).map(ToString::to_string)
}

fn run(question: &Question, limits: &Limits, stop: &Stop, link: &Rc<Link>) -> Result<String, PacFault> {
    let internal = |_| PacFault::Memory;
    let runtime = Runtime::new().map_err(internal)?;
    runtime.set_memory_limit(limits.memory);
    runtime.set_max_stack_size(STACK);
    let told = stop.0.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || told.load(Ordering::Relaxed))));
    let context = Context::full(&runtime).map_err(internal)?;
    let answer = context.with(|ctx| {
        let functions: Function = ctx.eval(FUNCTIONS).map_err(internal)?;
        let native = native(&ctx, link).map_err(internal)?;
        functions.call::<_, ()>((native,)).map_err(internal)?;
        call(&ctx, question)
    });
    // Whatever a script catches or throws once it was told to stop: it was told to stop.
    if stop.0.load(Ordering::Relaxed) { Err(PacFault::Timeout) } else { answer }
}

fn call(ctx: &Ctx<'_>, question: &Question) -> Result<String, PacFault> {
    let mut options = EvalOptions::default();
    // Scripts are written for browsers, where a variable need not be declared.
    options.strict = false;
    let loaded = ctx.eval_with_options::<(), _>(&*question.script, options);
    loaded.catch(ctx).map_err(|error| fault(&error))?;
    let find: Value = ctx.globals().get("FindProxyForURL").map_err(|_| PacFault::NoFunction)?;
    let find = find.into_function().ok_or(PacFault::NoFunction)?;
    let answer: Value =
        find.call((&question.url, &question.host)).catch(ctx).map_err(|error| fault(&error))?;
    let kind = answer.type_name();
    let text = answer.into_string().ok_or(PacFault::NoText(kind))?;
    text.to_string().map_err(|_| PacFault::NoText("text that is not Unicode"))
}

/// What a script threw.
fn fault(error: &CaughtError<'_>) -> PacFault {
    let said = match error {
        CaughtError::Exception(exception) => {
            exception.message().unwrap_or_else(|| "an error without words".to_owned())
        }
        CaughtError::Value(value) => {
            value.as_string().and_then(|text| text.to_string().ok()).unwrap_or_else(|| "a value".to_owned())
        }
        CaughtError::Error(error) => error.to_string(),
    };
    if said == "out of memory" {
        return PacFault::Memory;
    }
    PacFault::Thrown(said.chars().filter(|c| !c.is_control()).take(200).collect())
}

/// What the functions in JavaScript cannot do by themselves.
fn native<'js>(ctx: &Ctx<'js>, link: &Rc<Link>) -> rquickjs::Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    let resolver = link.clone();
    native.set(
        "resolve",
        Function::new(ctx.clone(), move |name: String| Or::Null(first_v4(&resolver.addresses(&name))))?,
    )?;
    let resolver = link.clone();
    native.set(
        "resolveAll",
        Function::new(ctx.clone(), move |name: String| joined(&resolver.addresses(&name)))?,
    )?;
    let own = link.clone();
    native.set(
        "own",
        Function::new(ctx.clone(), move || {
            first_v4(&own.own_addresses()).unwrap_or_else(|| "127.0.0.1".to_owned())
        })?,
    )?;
    let own = link.clone();
    native.set("ownAll", Function::new(ctx.clone(), move || joined(&own.own_addresses()))?)?;
    native.set(
        "plain",
        Function::new(ctx.clone(), |host: String| !host.contains('.') && host.parse::<IpAddr>().is_err())?,
    )?;
    native.set(
        "inPrefix",
        Function::new(ctx.clone(), |address: String, prefix: String| address::in_prefix(&address, &prefix))?,
    )?;
    native.set("sorted", Function::new(ctx.clone(), |list: String| Or::False(address::sorted(&list)))?)?;
    Ok(native)
}

/// A text, or what a browser returns where there is none.
enum Or {
    Null(Option<String>),
    False(Option<String>),
}

impl<'js> IntoJs<'js> for Or {
    fn into_js(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        match self {
            Or::Null(Some(text)) | Or::False(Some(text)) => text.into_js(ctx),
            Or::Null(None) => Ok(Value::new_null(ctx.clone())),
            Or::False(None) => Ok(Value::new_bool(ctx.clone(), false)),
        }
    }
}
