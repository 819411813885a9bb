//! What plans have in common: parsed templates and compiled models, each in memory once however many routes, stages and
//! deployments use it, and made anew only when nobody has it any more.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Weak};

use crate::validation::Compiled;

/// How many are looked after at least before those that are gone are looked for.
const SWEPT_MIN: usize = 64;

/// What the plans that were compiled so far have, as far as it is still in use. Holds on to nothing by itself.
#[derive(Default)]
pub struct Shared {
    pub(crate) templates: Pool<vtl::Template>,
    pub(crate) models: Pool<Compiled>,
}

/// Something that is made of a text, and of nothing else.
pub(crate) trait MadeOf {
    fn made_of(&self) -> &str;
}

impl MadeOf for vtl::Template {
    fn made_of(&self) -> &str {
        self.source()
    }
}

/// Things of one kind by the hash of their text. Of two texts with one hash only the later one is shared.
pub(crate) struct Pool<T> {
    by_hash: HashMap<u64, Weak<T>>,
    /// How many there were after those that are gone were last thrown out.
    swept: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Pool<T> {
        Pool { by_hash: HashMap::new(), swept: 0 }
    }
}

impl<T: MadeOf> Pool<T> {
    /// What is made of this text: the one in use, or else what `make` makes.
    ///
    /// # Errors
    /// That of `make`.
    pub(crate) fn get<E>(&mut self, text: &str, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(known) = self.by_hash.get(&hash).and_then(Weak::upgrade).filter(|known| known.made_of() == text) {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        debug_assert_eq!(made.made_of(), text, "it is found again by this text");
        if self.by_hash.len() >= 2 * self.swept.max(SWEPT_MIN) {
            self.by_hash.retain(|_, known| known.strong_count() > 0);
            self.swept = self.by_hash.len();
        }
        self.by_hash.insert(hash, Arc::downgrade(&made));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use types::resources::Stage;
    use types::snapshot::{DeployedStage, StageKey};
    use types::{Dialect, Limits};

    use super::*;
    use crate::plan::Plan;

    fn parse(pool: &mut Pool<vtl::Template>, text: &str) -> Arc<vtl::Template> {
        pool.get(text, || vtl::Template::parse(text)).unwrap()
    }

    #[test]
    fn what_is_in_use_is_there_once_and_what_is_not_is_forgotten() {
        let mut pool = Pool::default();
        let (one, two) = (parse(&mut pool, "$a"), parse(&mut pool, "$b"));
        assert!(Arc::ptr_eq(&one, &parse(&mut pool, "$a")));
        assert!(!Arc::ptr_eq(&one, &two));
        assert!(pool.get("#if", || vtl::Template::parse("#if")).is_err());
        for n in 0..10 * SWEPT_MIN {
            parse(&mut pool, &n.to_string());
        }
        assert!(pool.by_hash.len() <= 2 * SWEPT_MIN, "{}", pool.by_hash.len());
        assert!(Arc::ptr_eq(&one, &parse(&mut pool, "$a")), "what is in use stays");
    }

    #[test]
    fn routes_and_stages_have_a_template_and_a_model_in_common() {
        let route = |key: &str| {
            serde_json::json!({"route": {
                "routeId": key, "routeKey": key, "target": "integrations/i",
                "modelSelectionExpression": "a", "requestModels": {"$default": "M"},
            }})
        };
        let definition = serde_json::json!({
            "api": {"apiId": "abc", "routeSelectionExpression": "$request.body.a"},
            "routes": [route("one"), route("two")],
            "integrations": [{"integration": {
                "integrationId": "i", "integrationType": "MOCK", "requestTemplates": {"$default": "{\"statusCode\":200}"},
            }}],
            "models": [{"name": "M", "schema": "{}"}, {"name": "NotAsked", "schema": "{}"}],
        });
        let definition = Arc::new(serde_json::from_value(definition).unwrap());
        let mut shared = Shared::default();
        let plans = ["dev", "prod"].map(|stage| {
            let key = StageKey { api_id: "abc".into(), stage: stage.into() };
            let stage = DeployedStage { key, settings: Stage::default(), definition: Arc::clone(&definition) };
            Plan::compile(&stage, &Limits::default(), Dialect::default(), &mut shared).0
        });
        let users = |known: &Weak<_>| known.strong_count();
        assert_eq!(shared.templates.by_hash.values().map(users).collect::<Vec<_>>(), [4]);
        assert_eq!(shared.models.by_hash.values().map(Weak::strong_count).collect::<Vec<_>>(), [4]);
        drop(plans);
        assert_eq!(shared.templates.by_hash.values().map(users).sum::<usize>(), 0, "nothing is held for itself");
    }
}
