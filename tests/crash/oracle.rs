//! What there may be after a crash: which commits were submitted, acknowledged and durable when.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Key to revision and body.
pub(crate) type Documents = BTreeMap<String, (u64, String)>;

/// What goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The process only: everything acknowledged stays.
    Process,
    /// The power: everything that was flushed stays.
    Power,
}

/// The states that the history went through. Times are numbers of operations of the disk.
#[derive(Default)]
pub(crate) struct Oracle {
    links: Vec<Link>,
}

/// The state after one commit.
struct Link {
    state: Arc<Documents>,
    submitted: usize,
    acknowledged: Option<usize>,
    durable: Option<usize>,
    /// Since when it must not appear any more.
    revoked: Option<usize>,
}

impl Oracle {
    /// A history that begins in one of `states`. The first is durable, `acknowledged` is what must be there
    /// unless the power goes.
    pub(crate) fn new(states: Vec<Arc<Documents>>, acknowledged: usize) -> Self {
        let mut oracle = Self::default();
        for state in states {
            oracle.submit(state, 0);
        }
        oracle.links[0].durable = Some(0);
        for link in &mut oracle.links[..=acknowledged] {
            link.acknowledged = Some(0);
        }
        oracle
    }

    /// The newest state.
    pub(crate) fn head(&self) -> &Arc<Documents> {
        let live = self.links.iter().rev().find(|link| link.revoked.is_none());
        &live.expect("the first state is never revoked").state
    }

    /// Notes a commit that leads to `state`; its number.
    pub(crate) fn submit(&mut self, state: Arc<Documents>, now: usize) -> usize {
        self.links.push(Link { state, submitted: now, acknowledged: None, durable: None, revoked: None });
        self.links.len() - 1
    }

    pub(crate) fn acknowledge(&mut self, link: usize, now: usize) {
        self.links[link].acknowledged = Some(now);
    }

    pub(crate) fn revoke(&mut self, link: usize, now: usize) {
        self.links[link].revoked.get_or_insert(now);
    }

    /// Everything acknowledged is durable.
    pub(crate) fn flushed(&mut self, now: usize) {
        for link in self.links.iter_mut().filter(|link| link.acknowledged.is_some()) {
            link.durable.get_or_insert(now);
        }
    }

    /// Says that `state` was read: it has to be allowed, and has to stay.
    pub(crate) fn pin(&mut self, state: &Documents, now: usize, loss: Loss) -> Result<(), String> {
        let required = self.required(now, loss);
        let found = (required..self.links.len())
            .find(|index| self.links[*index].is_live(now) && *self.links[*index].state == *state);
        let Some(found) = found else {
            return Err(self.explain(state, now, loss));
        };
        for (index, link) in self.links.iter_mut().enumerate().filter(|(_, link)| link.is_live(now)) {
            if index > found {
                link.revoked = Some(now);
            } else {
                link.acknowledged.get_or_insert(now);
                link.durable.get_or_insert(now);
            }
        }
        Ok(())
    }

    /// What there may be after a crash at this moment; the first is what must be there at least.
    pub(crate) fn allowed(&self, at: usize, loss: Loss) -> Vec<Arc<Documents>> {
        let links = self.links[self.required(at, loss)..].iter();
        links.filter(|link| link.is_live(at)).map(|link| Arc::clone(&link.state)).collect()
    }

    /// The last commit that must be there.
    fn required(&self, at: usize, loss: Loss) -> usize {
        let since = |link: &Link| match loss {
            Loss::Process => link.acknowledged,
            Loss::Power => link.durable,
        };
        let required = |link: &Link| link.is_live(at) && since(link).is_some_and(|since| since <= at);
        self.links.iter().rposition(required).unwrap_or(0)
    }

    fn explain(&self, found: &Documents, at: usize, loss: Loss) -> String {
        let allowed = self.allowed(at, loss);
        let list: Vec<String> = allowed.iter().take(4).map(|state| brief(state)).collect();
        format!(
            "commits are lost, invented or back\n  found {}\n  allowed {}",
            brief(found),
            list.join("\n       or ")
        )
    }
}

impl Link {
    fn is_live(&self, at: usize) -> bool {
        self.submitted <= at && self.revoked.is_none_or(|revoked| revoked > at)
    }
}

fn brief(documents: &Documents) -> String {
    let shown = documents.iter().map(|(key, (revision, body))| {
        let start: String = body.chars().take(10).collect();
        format!("{key}@{revision} {start}..")
    });
    shown.collect::<Vec<_>>().join(", ")
}
