//! Traces of requests (W3C Trace Context): who a request is part of, what is made beneath it, and who hears of what is over. Without
//! anybody who hears of it nothing here is made.

mod context;

pub use context::{SpanContext, TRACE_PARENT, TRACE_STATE};

use http::{HeaderMap, HeaderValue, Request};
use std::{
    borrow::Cow,
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// Hears of spans that are over. Told on the way of requests: it does not wait.
pub trait Spans: Debug + Send + Sync {
    /// Whether a trace that begins here is to be heard of.
    fn samples(&self, trace: &[u8; 16]) -> bool;

    /// It is over.
    fn ended(&self, span: EndedSpan);
}

/// What a span stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A request that came in.
    Server,
    /// One that went out.
    Client,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

/// A span that is over.
#[derive(Clone, Debug)]
pub struct EndedSpan {
    /// Its own place in its trace.
    pub context: SpanContext,
    /// The span that it is beneath.
    pub parent: Option<[u8; 8]>,
    /// The header `tracestate` that came with the trace.
    pub state: Option<HeaderValue>,
    /// What it stands for.
    pub kind: SpanKind,
    /// Its name, one of few.
    pub name: Cow<'static, str>,
    /// When it began.
    pub started: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Why it failed, in a word.
    pub error: Option<Cow<'static, str>>,
}

/// A span under way. Dropping it ends it, also where a request is given up.
#[derive(Debug)]
pub struct OpenSpan {
    spans: Arc<dyn Spans>,
    /// Taken at the end.
    span: Option<EndedSpan>,
    clock: Instant,
}

/// The span of a request for which others are made.
#[derive(Clone, Debug)]
pub struct Above {
    spans: Arc<dyn Spans>,
    context: SpanContext,
    state: Option<HeaderValue>,
}

impl Above {
    /// The one that these headers name.
    pub fn read(spans: &Arc<dyn Spans>, headers: &HeaderMap) -> Option<Self> {
        Some(Self {
            context: SpanContext::read(headers)?,
            state: context::state(headers),
            spans: spans.clone(),
        })
    }

    /// One beneath it, for a request that goes out.
    pub fn open(&self) -> Option<Box<OpenSpan>> {
        let context = self.context.child()?;
        let (parent, state) = (Some(self.context.span), self.state.clone());
        Some(OpenSpan::begin(
            &self.spans,
            SpanKind::Client,
            context,
            parent,
            state,
        ))
    }
}

impl OpenSpan {
    /// The span of a request with these headers, which name it from now on: whatever is made for the request is beneath it. `None` where
    /// the machine has no random numbers.
    pub fn of_request(spans: &Arc<dyn Spans>, headers: &mut HeaderMap) -> Option<Box<Self>> {
        let from = SpanContext::read(headers);
        let context = match &from {
            Some(from) => from.child()?,
            None => {
                // It belongs to a trace that is none.
                headers.remove(TRACE_STATE);
                SpanContext::random(|trace| spans.samples(trace))?
            }
        };
        headers.insert(TRACE_PARENT, context.header());
        let state = context::state(headers);
        let parent = from.map(|from| from.span);
        Some(Self::begin(spans, SpanKind::Server, context, parent, state))
    }

    fn begin(
        spans: &Arc<dyn Spans>,
        kind: SpanKind,
        context: SpanContext,
        parent: Option<[u8; 8]>,
        state: Option<HeaderValue>,
    ) -> Box<Self> {
        Box::new(Self {
            spans: spans.clone(),
            span: Some(EndedSpan {
                context,
                parent,
                state,
                kind,
                name: Cow::Borrowed("-"),
                started: SystemTime::now(),
                took: Duration::ZERO,
                attributes: Vec::new(),
                error: None,
            }),
            clock: Instant::now(),
        })
    }

    /// The headers by which whoever is asked learns of the trace.
    pub fn headers(&self) -> impl Iterator<Item = (http::HeaderName, HeaderValue)> {
        let parent = self.span.iter().map(|span| (TRACE_PARENT, span.context.header()));
        let state = self.span.iter().filter_map(|span| span.state.clone());
        parent.chain(state.map(|state| (TRACE_STATE, state)))
    }

    /// Says to whom a request goes, and tells them of the trace.
    pub fn goes_out<B>(&mut self, request: &mut Request<B>) {
        if self.is_sampled() {
            let method = request.method().as_str().to_owned();
            let uri = request.uri();
            let host = uri.host().unwrap_or_default().to_owned();
            let port = uri.port_u16().or(match uri.scheme_str() {
                Some("https") => Some(443),
                _ => Some(80),
            });
            self.named(method.clone());
            self.with("http.request.method", Attribute::text(method));
            self.with("server.address", Attribute::text(host));
            self.maybe("server.port", port.map(Attribute::number));
        }
        // In the place of what a definition says: a request is in one place of one trace.
        let headers = request.headers_mut();
        headers.remove(TRACE_STATE);
        for (name, value) in self.headers() {
            headers.insert(name, value);
        }
    }

    /// Whether anybody hears of it; nothing need be said of others.
    pub fn is_sampled(&self) -> bool {
        self.span.as_ref().is_some_and(|span| span.context.is_sampled)
    }

    /// How it is called.
    pub fn named(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.span {
            span.name = name.into();
        }
    }

    /// Something that is known of it.
    pub fn with(&mut self, name: &'static str, value: Attribute) {
        if let Some(span) = self.span.as_mut().filter(|span| span.context.is_sampled) {
            span.attributes.push((name, value));
        }
    }

    /// The same, where it is.
    pub fn maybe(&mut self, name: &'static str, value: Option<Attribute>) {
        if let Some(value) = value {
            self.with(name, value);
        }
    }

    /// It failed; why, in a word.
    pub fn failed(&mut self, error: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.span {
            span.error = Some(error.into());
        }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take().filter(|span| span.context.is_sampled) {
            span.took = self.clock.elapsed();
            self.spans.ended(span);
        }
    }
}

impl Attribute {
    /// A text.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A number.
    pub fn number(number: impl Into<i64>) -> Self {
        Self::Number(number.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hears of nothing, and of nobody.
    #[derive(Debug)]
    struct Nobody;

    impl Spans for Nobody {
        fn samples(&self, _: &[u8; 16]) -> bool {
            false
        }

        fn ended(&self, span: EndedSpan) {
            panic!("{span:?}")
        }
    }

    #[test]
    fn a_request_goes_out_in_one_place_of_one_trace_with_all_of_its_state() {
        let spans: Arc<dyn Spans> = Arc::new(Nobody);
        let mut headers = HeaderMap::new();
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        headers.insert(TRACE_PARENT, HeaderValue::from_static(parent));
        for state in ["a=1,b=2", "c=3"] {
            headers.append(TRACE_STATE, HeaderValue::from_static(state));
        }
        let above = Above::read(&spans, &headers).unwrap();
        // What the definition says itself stands there already.
        let mut request = Request::new(());
        for (name, value) in [(TRACE_PARENT, parent), (TRACE_STATE, "x=1"), (TRACE_STATE, "y=1")] {
            request
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        let mut open = above.open().unwrap();
        open.goes_out(&mut request);
        let all = |name| request.headers().get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all(TRACE_STATE), ["a=1,b=2,c=3"]);
        let places = all(TRACE_PARENT);
        assert!(places.len() == 1 && places[0] != parent, "{places:?}");
        // Nobody hears of it: nothing is said of it.
        let span = open.span.as_ref().unwrap();
        assert!(span.attributes.is_empty() && span.name == "-", "{span:?}");
        let mut inside = headers.clone();
        let of_request = OpenSpan::of_request(&spans, &mut inside).unwrap();
        assert_eq!(of_request.headers().count(), 2);
    }
}
