//! The resources that an export writes, in the order in which a person reads them, each with its names.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

use super::documents::{Document, Documents, text};
use super::names::{Names, capitalised, ending, snake};
use super::value::Value;
use super::{Choice, NoSuchApi, permissions, properties, remarks};

/// A resource.
pub(super) struct Item<'d> {
    /// CloudFormation's name of its type.
    pub(super) kind: &'static str,
    /// Where its document stands; nothing for a permission, which has none.
    pub(super) path: String,
    pub(super) document: Option<&'d Document>,
    /// Its logical id.
    pub(super) logical: String,
    /// Its name among resources of its type, in small letters.
    pub(super) label: String,
    pub(super) properties: Vec<(&'static str, Value)>,
    /// What must be there before it, although nothing in it says so.
    pub(super) after: Vec<usize>,
    /// What a person should know of it.
    pub(super) remarks: Vec<String>,
}

/// All of them.
pub(super) struct Items<'d> {
    pub(super) list: Vec<Item<'d>>,
    /// What a person should know of the whole.
    pub(super) remarks: Vec<String>,
}

/// Where among items the documents of the control plane are.
pub(super) struct Index(HashMap<String, usize>);

impl Index {
    pub(super) fn get(&self, path: &str) -> Option<usize> {
        self.0.get(path).copied()
    }
}

impl<'d> Items<'d> {
    /// # Errors
    /// An API that is not there.
    pub(super) fn of(documents: &Documents<'d>, choice: &Choice) -> Result<Items<'d>, NoSuchApi> {
        let mut gather = Gather {
            documents,
            list: Vec::new(),
            index: Index(HashMap::new()),
            logical: Names::default(),
            labels: HashMap::new(),
            is_one: false,
        };
        let mut apis = documents.sorted("apis", "name");
        if let Some(missing) = choice.apis.iter().find(|id| documents.get("apis", id).is_none()) {
            return Err(NoSuchApi(missing.clone()));
        }
        apis.retain(|(id, _)| choice.apis.is_empty() || choice.apis.iter().any(|chosen| chosen == id));
        gather.is_one = apis.len() == 1;
        let chosen = (!choice.apis.is_empty()).then(|| apis.iter().map(|(id, _)| *id).collect::<HashSet<_>>());
        gather.before(chosen.as_ref());
        for (id, api) in &apis {
            gather.api(id, api);
        }
        gather.behind(chosen.as_ref());
        let mut items = Items { remarks: remarks::of(documents, &gather.list), list: gather.list };
        properties::fill(&mut items, documents, &gather.index, choice);
        Ok(items)
    }
}

struct Gather<'g, 'd> {
    documents: &'g Documents<'d>,
    list: Vec<Item<'d>>,
    index: Index,
    logical: Names,
    labels: HashMap<&'static str, Names>,
    /// Whether there is one API, so that its parts need not say whose they are.
    is_one: bool,
}

type Chosen<'c> = Option<&'c HashSet<&'c str>>;

impl<'d> Gather<'_, 'd> {
    /// Puts a resource behind the others. `name`: what it is called, in words; `noun`: how its logical id ends.
    fn add(
        &mut self,
        kind: &'static str,
        path: String,
        document: Option<&'d Document>,
        name: &str,
        noun: &str,
    ) -> usize {
        let logical = self.logical.unique(ending(&capitalised(name), noun), "");
        let label = Some(snake(name)).filter(|label| !label.is_empty()).unwrap_or_else(|| "this".to_owned());
        let label = if label.starts_with(|c: char| c.is_ascii_digit()) { format!("_{label}") } else { label };
        let label = self.labels.entry(kind).or_default().unique(label, "_");
        let index = self.list.len();
        self.index.0.insert(path.clone(), index);
        self.list.push(Item {
            kind,
            path,
            document,
            logical,
            label,
            properties: Vec::new(),
            after: Vec::new(),
            remarks: Vec::new(),
        });
        index
    }

    /// All of a collection.
    fn all(
        &mut self,
        kind: &'static str,
        collection: &str,
        member: &str,
        noun: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) {
        for (id, document) in self.documents.sorted(collection, member) {
            if is_wanted(id) {
                self.add(kind, format!("{collection}/{id}"), Some(document), text(document, member), noun);
            }
        }
    }

    /// What APIs need.
    fn before(&mut self, chosen: Chosen) {
        let mut needed: HashSet<String> = HashSet::new();
        for id in chosen.into_iter().flatten() {
            for (_, integration) in self.documents.all(&format!("apis/{id}/integrations")) {
                needed.insert(text(integration, "connectionId").to_owned());
            }
            for (_, stage) in self.documents.all(&format!("apis/{id}/stages")) {
                needed.insert(text(stage, "clientCertificateId").to_owned());
                let variables = stage.get("stageVariables").and_then(Json::as_object).into_iter().flatten();
                needed.extend(variables.filter_map(|(_, value)| Some(value.as_str()?.to_owned())));
            }
        }
        let is_wanted = |id: &str| chosen.is_none() || needed.contains(id);
        if let Some(settings) = self.documents.get("account", "settings")
            && !text(settings, "cloudwatchRoleArn").is_empty()
        {
            self.add("AWS::ApiGateway::Account", "account/settings".to_owned(), Some(settings), "account", "Account");
        }
        self.all("AWS::ApiGateway::VpcLink", "vpclinks", "name", "VpcLink", is_wanted);
        self.all("AWS::ApiGatewayV2::VpcLink", "vpclinksv2", "name", "VpcLinkV2", is_wanted);
        let certificates = "clientcertificates";
        self.all("AWS::ApiGateway::ClientCertificate", certificates, "description", "ClientCertificate", is_wanted);
    }

    /// An API and what belongs to it.
    fn api(&mut self, id: &str, api: &'d Document) {
        let name = text(api, "name");
        let (path, documents) = (format!("apis/{id}"), self.documents);
        let is_one = self.is_one;
        let own = |part: &str| if is_one { part.to_owned() } else { format!("{name} {part}") };
        self.add("AWS::ApiGatewayV2::Api", path.clone(), Some(api), name, "Api");
        for (kind, collection, noun) in [
            ("AWS::ApiGatewayV2::Model", "models", "Model"),
            ("AWS::ApiGatewayV2::Authorizer", "authorizers", "Authorizer"),
        ] {
            let collection = format!("{path}/{collection}");
            for (id, document) in documents.sorted(&collection, "name") {
                self.add(kind, format!("{collection}/{id}"), Some(document), &own(text(document, "name")), noun);
            }
        }
        let first = self.list.len();
        for (id, route) in routes(documents, &path) {
            let key = own(text(route, "routeKey"));
            let integration = text(route, "target").trim_start_matches("integrations/");
            self.integration(&path, integration, &key);
            let at = format!("{path}/routes/{id}");
            self.add("AWS::ApiGatewayV2::Route", at.clone(), Some(route), &key, "Route");
            let collection = format!("{at}/routeresponses");
            for (id, response) in documents.all(&collection) {
                let noun = "RouteResponse";
                self.add("AWS::ApiGatewayV2::RouteResponse", format!("{collection}/{id}"), Some(response), &key, noun);
            }
        }
        // Those that no route has.
        for (id, integration) in documents.sorted(&format!("{path}/integrations"), "integrationUri") {
            self.integration(&path, id, &own(text(integration, "integrationType")));
        }
        let deployed: Vec<usize> = (first..self.list.len()).collect();
        let permitted: BTreeSet<String> = permissions::functions(documents, &path).into_iter().collect();
        for function in permitted {
            let place = format!("{path}/permissions/{function}");
            let name = own(permissions::name(&function));
            self.add("AWS::Lambda::Permission", place, None, &name, "Permission");
        }
        self.stages(&path, &own, &deployed);
    }

    /// An integration and its responses, if it is there and not in the list yet.
    fn integration(&mut self, api: &str, id: &str, name: &str) {
        let collection = format!("{api}/integrations");
        let at = format!("{collection}/{id}");
        let Some(integration) = self.documents.get(&collection, id).filter(|_| self.index.get(&at).is_none()) else {
            return;
        };
        self.add("AWS::ApiGatewayV2::Integration", at.clone(), Some(integration), name, "Integration");
        let collection = format!("{at}/integrationresponses");
        // Of patterns that fit a status the one counts that was made first, so that each waits for the one before.
        let mut before = None;
        let mut responses = self.documents.all(&collection).to_vec();
        responses.sort_by_key(|(_, response)| text(response, "integrationResponseKey") == "$default");
        for (id, response) in responses {
            let (kind, noun) = ("AWS::ApiGatewayV2::IntegrationResponse", "IntegrationResponse");
            let key = text(response, "integrationResponseKey");
            let is_pattern = key != "$default";
            let name = if is_pattern { format!("{name} {key}") } else { name.to_owned() };
            let index = self.add(kind, format!("{collection}/{id}"), Some(response), &name, noun);
            if is_pattern {
                self.list[index].after.extend(before.replace(index));
            }
        }
    }

    /// The stages of an API, and the deployments that they have.
    fn stages(&mut self, api: &str, own: &dyn Fn(&str) -> String, deployed: &[usize]) {
        let (collection, deployments) = (format!("{api}/stages"), format!("{api}/deployments"));
        for (id, stage) in self.documents.sorted(&collection, "stageName") {
            let name = own(text(stage, "stageName"));
            let deployment = text(stage, "deploymentId");
            let at = format!("{deployments}/{deployment}");
            let document = self.documents.get(&deployments, deployment);
            if stage.get("autoDeploy") != Some(&Json::Bool(true)) && document.is_some() && self.index.get(&at).is_none()
            {
                let index = self.add("AWS::ApiGatewayV2::Deployment", at, document, &name, "Deployment");
                self.list[index].after = deployed.to_vec();
            }
            self.add("AWS::ApiGatewayV2::Stage", format!("{collection}/{id}"), Some(stage), &name, "Stage");
        }
    }

    /// What leads to APIs, and who may use them.
    fn behind(&mut self, chosen: Chosen) {
        let documents = self.documents;
        for (domain, document) in documents.sorted("domainnames", "domainName") {
            let collection = format!("domainnames/{domain}/apimappings");
            let mut mappings = documents.sorted(&collection, "apiMappingKey");
            mappings.retain(|(_, mapping)| chosen.is_none_or(|chosen| chosen.contains(text(mapping, "apiId"))));
            if chosen.is_some() && mappings.is_empty() {
                continue;
            }
            let kind = "AWS::ApiGatewayV2::DomainName";
            self.add(kind, format!("domainnames/{domain}"), Some(document), domain, "DomainName");
            for (id, mapping) in mappings {
                let name = format!("{domain} {}", text(mapping, "apiMappingKey"));
                let at = format!("{collection}/{id}");
                self.add("AWS::ApiGatewayV2::ApiMapping", at, Some(mapping), &name, "ApiMapping");
            }
        }
        let is_of = |plan: &Document| {
            let stages = plan.get("apiStages").and_then(Json::as_array).into_iter().flatten();
            let mut apis = stages.filter_map(|stage| stage.get("apiId")?.as_str());
            chosen.is_none_or(|chosen| apis.any(|api| chosen.contains(api)))
        };
        let plans: Vec<_> =
            documents.sorted("usageplans", "name").into_iter().filter(|(_, plan)| is_of(plan)).collect();
        let keys = |plan: &str| documents.all(&format!("usageplans/{plan}/keys"));
        let needed: HashSet<&str> = plans.iter().flat_map(|(plan, _)| keys(plan)).map(|(key, _)| *key).collect();
        self.all("AWS::ApiGateway::ApiKey", "apikeys", "name", "ApiKey", |id| chosen.is_none() || needed.contains(id));
        for (plan, document) in plans {
            let name = text(document, "name");
            let at = format!("usageplans/{plan}");
            self.add("AWS::ApiGateway::UsagePlan", at.clone(), Some(document), name, "UsagePlan");
            for (id, member) in keys(plan) {
                let key = documents.get("apikeys", id).map_or("", |key| text(key, "name"));
                let (kind, name) = ("AWS::ApiGateway::UsagePlanKey", format!("{name} {key}"));
                self.add(kind, format!("{at}/keys/{id}"), Some(member), &name, "UsagePlanKey");
            }
        }
    }
}

/// An API's routes as people look for them: the three that AWS names, then the others by their keys.
fn routes<'d>(documents: &Documents<'d>, api: &str) -> Vec<(&'d str, &'d Document)> {
    const FIRST: [&str; 3] = ["$connect", "$disconnect", "$default"];
    let mut routes = documents.sorted(&format!("{api}/routes"), "routeKey");
    routes
        .sort_by_key(|(_, route)| FIRST.iter().position(|key| *key == text(route, "routeKey")).unwrap_or(FIRST.len()));
    routes
}
