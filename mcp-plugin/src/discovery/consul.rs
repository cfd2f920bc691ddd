//! `consul`: services of a Consul catalog that have a tag. Each is an upstream, and its instances whose checks pass are its endpoints. Nothing is written there.

mod answer;
mod place;

use super::replicas::{Listed, Replica};
use answer::Services;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::select_all, stream};
use http::HeaderMap;
use mcp_common::{
    discovery::{
        Announced, Discovery, Fetched, Habits, Look, NotSeen, Page, Pages, Set, Surroundings,
        client_file::id_of,
    },
    plugin::{DiscoveryFactory, PluginError, Settings},
};
use place::Place;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

/// Questions at once.
const AT_ONCE: usize = 8;
/// Each is a question of its own.
const MOST_SERVICES: usize = 1_000;
/// Answers that are waited for at once; what is beyond is seen at the next look.
const MOST_WAITING: usize = 128;
/// Whoever changes all the time is looked at only so often.
const PAUSE: Duration = Duration::from_secs(1);
/// What Consul lets us wait for at the longest.
const LONGEST: Duration = Duration::from_secs(600);

/// Makes `consul`.
#[derive(Default)]
pub struct Consul;

#[mcp_common::discovery("consul")]
impl DiscoveryFactory for Consul {
    fn habits(&self) -> Habits {
        Habits {
            // Changes are told; this is for those that were missed.
            interval: Duration::from_secs(60),
            is_trusted: false,
            may_be_empty: true,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        Place::read(place, settings).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Followed {
            place: Place::read(place, settings)?,
            pages: gateway.pages.clone(),
            most: gateway.max_bytes,
            wait: gateway.interval.min(LONGEST),
            known: BTreeMap::new(),
            last: None,
            looked: None,
        }))
    }
}

struct Followed {
    place: Place,
    pages: Arc<dyn Pages>,
    most: usize,
    /// How long Consul may take to tell of a change.
    wait: Duration,
    /// What was answered last, by the path that was asked for.
    known: BTreeMap<String, Answer>,
    last: Option<Listed>,
    looked: Option<Instant>,
}

/// What Consul said.
#[derive(Clone)]
struct Answer {
    body: Bytes,
    /// The state that it belongs to; whoever shows it is answered when there is another one.
    index: u64,
    /// Whether something was left out that the token may not see.
    is_filtered: bool,
}

impl Followed {
    async fn get(&self, path: &str, known: Option<u64>) -> Result<Answer, String> {
        let mut timeout = self.place.timeout;
        let mut url = self.place.url(path);
        if let Some(index) = known {
            url += &format!("&index={index}&wait={}s", self.wait.as_secs());
            // Consul adds as much as a sixteenth, so that not all come at once.
            timeout += self.wait + self.wait / 16;
        }
        let page = Page {
            url: &url,
            headers: &self.place.headers,
            known: None,
            timeout,
            max_bytes: self.most,
        };
        match self.pages.get(page).await? {
            Fetched::Page { body, headers } => Ok(Answer {
                // 0 would be answered at once.
                index: number(&headers, "x-consul-index").unwrap_or(1).max(1),
                is_filtered: headers
                    .get("x-consul-results-filtered-by-acls")
                    .is_some_and(|value| value == "true"),
                body,
            }),
            Fetched::Same => Err(format!("{url} said that nothing changed, which was not asked")),
        }
    }

    /// Ready when there is another answer.
    async fn differs(&self, path: &str, known: &Answer) {
        let mut index = known.index;
        loop {
            match self.get(path, Some(index)).await {
                // An answer is no change: the time may be over, or something else was written.
                Ok(answer) if answer.body == known.body => {
                    index = answer.index;
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(_) => return,
                // The next look says what is wrong.
                Err(_) => return pending().await,
            }
        }
    }

    /// Everything that is there, by the paths that were asked for.
    async fn all(&self) -> Result<(BTreeMap<String, Answer>, Vec<Announced>, Vec<String>), NotSeen> {
        let path = self.place.services();
        let answer = self.get(&path, None).await.map_err(NotSeen::Away)?;
        let services: Services = read(&path, &answer.body)?;
        let wanted: Vec<String> = services
            .into_iter()
            .filter(|(name, tags)| self.place.wants(name, tags.as_deref().unwrap_or_default()))
            .map(|(name, _)| name)
            .collect();
        if wanted.is_empty() && answer.is_filtered {
            return Err(NotSeen::Broken(
                "the `token` may see no such service (its policies need service:read and node:read)"
                    .to_owned(),
            ));
        }
        if wanted.len() > MOST_SERVICES {
            return Err(NotSeen::Broken(format!(
                "{} services have the tag, at most {MOST_SERVICES} are asked for; name those that are meant (`services`)",
                wanted.len()
            )));
        }
        let mut known = BTreeMap::from([(path, answer)]);
        let asked = stream::iter(wanted).map(|name| async move {
            let path = self.place.instances(&name);
            let answer = self.get(&path, None).await.map_err(NotSeen::Away);
            answer.map(|answer| (name, path, answer))
        });
        let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
        let (mut announced, mut notes) = (Vec::new(), Vec::new());
        for answer in answers {
            let (name, path, answer) = answer?;
            let instances: Vec<Value> = read(&path, &answer.body)?;
            announced.push(self.upstream(&name, instances, &mut notes));
            known.insert(path, answer);
        }
        Ok((known, announced, notes))
    }

    fn upstream(&self, name: &str, answered: Vec<Value>, notes: &mut Vec<String>) -> Announced {
        let refused = |reason: &str| Announced {
            id: name.to_owned(),
            document: Err(reason.to_owned()),
        };
        let Some(id) = id_of(name) else {
            return refused("nothing of the name can be an id");
        };
        if answered.is_empty() {
            return refused("no instance passes its checks; those that were there stay");
        }
        let instances = answer::instances(name, answered, notes);
        if instances.is_empty() {
            return refused("no instance of it can be read; those that were there stay");
        }
        let tags = answer::tags(&instances);
        let replicas: Vec<Replica> = instances.into_iter().map(Replica::from).collect();
        let mut announced = self.place.template.announced(&id, replicas, notes);
        if let Ok(Value::Object(document)) = &mut announced.document {
            document.entry("name").or_insert_with(|| name.into());
            let own = document.entry("tags").or_insert_with(|| Value::Array(Vec::new()));
            if let Some(own) = own.as_array_mut() {
                let new: Vec<Value> = tags.into_iter().map(Value::from).collect();
                own.extend(new);
            }
        }
        announced
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn read<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, NotSeen> {
    let path = path.split('?').next().unwrap_or_default();
    serde_json::from_slice(body).map_err(|error| {
        NotSeen::Broken(format!(
            "what {path} answered is not what Consul answers: {error}"
        ))
    })
}

#[async_trait]
impl Discovery for Followed {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        self.looked = Some(Instant::now());
        self.known.clear();
        let (known, announced, notes) = self.all().await?;
        self.known = known;
        let seen: Vec<_> = announced
            .iter()
            .map(|one| match &one.document {
                Ok(document) => (one.id.clone(), document.clone()),
                Err(reason) => (one.id.clone(), Value::from(reason.clone())),
            })
            .collect();
        let seen = (seen, notes.clone());
        if self.last.as_ref() == Some(&seen) {
            return Ok(Look::Same);
        }
        self.last = Some(seen);
        Ok(Look::Set(Set {
            upstreams: announced,
            notes,
        }))
    }

    async fn changed(&mut self) {
        let known = self.known.iter().take(MOST_WAITING);
        let waiting: Vec<_> = known
            .map(|(path, answer)| self.differs(path, answer).boxed())
            .collect();
        if waiting.is_empty() {
            return pending().await;
        }
        select_all(waiting).await;
        if let Some(looked) = self.looked {
            tokio::time::sleep_until((looked + PAUSE).into()).await;
        }
    }
}
