//! What a person should know of a stack although nothing failed: what AWS would do differently.

use serde_json::Value as Json;

use super::Run;
use crate::fault::Fault;
use crate::kinds::elsewhere;
use crate::template::Resource;

/// What API Gateway is called where permissions say who may call.
const PRINCIPAL: &str = "apigateway.amazonaws.com";

/// A permission that a template gives.
struct Permission {
    /// Name or ARN of the function.
    function: String,
    /// The caller; all of them where nothing is said.
    source: Option<String>,
}

impl Run<'_, '_, '_> {
    /// Remarks on what is there by now.
    pub(super) fn remark(&mut self, order: &[&str]) {
        let resources = || order.iter().filter_map(|logical| Some((*logical, self.template_resource(logical)?)));
        let mut remarks = Vec::new();
        let is_of = |kind: &str| resources().any(|(_, resource)| resource.kind == kind);
        if is_of("AWS::ApiGatewayV2::Api") && !is_of("AWS::ApiGatewayV2::Stage") {
            let text = "the template has an API and no AWS::ApiGatewayV2::Stage, so that nobody can connect";
            remarks.push(Fault::new(text, "Resources", Default::default()));
        }
        for (logical, resource) in resources() {
            let answer = self.known.answer(logical);
            let path = format!("Resources.{logical}");
            if resource.kind == "AWS::ApiGatewayV2::Stage" && answer.is_some_and(|stage| !self.is_deployed(stage)) {
                let text =
                    "the stage has neither a DeploymentId nor AutoDeploy: it is there, and nobody can connect to it";
                remarks.push(Fault::new(text, path, resource.place));
            }
        }
        for (deployment, waits_for) in self.scope.implied() {
            let place = self.template_resource(deployment).map_or_else(Default::default, |resource| resource.place);
            let text = format!(
                "it does not wait for {waits_for} (DependsOn), so that AWS may deploy without that; here it waits"
            );
            remarks.push(Fault::new(text, format!("Resources.{deployment}"), place));
        }
        remarks.extend(self.missing_permissions(order));
        self.remarks.extend(remarks);
    }

    fn is_deployed(&self, stage: &Json) -> bool {
        let text = |json: &Json, member: &str| json.get(member).and_then(Json::as_str).unwrap_or_default().to_owned();
        let name = text(stage, "stageName");
        let by_deployment = self.record.resources.values().any(|resource| {
            resource.kind == "AWS::ApiGatewayV2::Deployment" && text(&resource.body, "stageName") == name
        });
        stage.get("autoDeploy") == Some(&Json::Bool(true)) || !text(stage, "deploymentId").is_empty() || by_deployment
    }

    /// Functions of the template that a route or an authorizer calls and that nobody lets API Gateway call.
    fn missing_permissions(&self, order: &[&str]) -> Vec<Fault> {
        let permissions = self.permissions(order);
        let mut remarks = Vec::new();
        for function in &self.functions {
            let arn = elsewhere("AWS::Lambda::Function", &function.logical, Some(&function.name), &self.pseudo).arn;
            let own = permissions.iter().filter(|permission| {
                let named = resource(&permission.function).strip_prefix(resource(&arn));
                let by_arn = named.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
                by_arn || permission.function.split(':').next() == Some(&function.name)
            });
            let sources: Vec<Option<&str>> = own.map(|permission| permission.source.as_deref()).collect();
            let mut callers = self.callers(order, &arn);
            let fits = |given: Option<&str>, source: &str| {
                given.is_none_or(|given| is_like(resource(given), resource(source)))
            };
            callers.retain(|(source, _)| !sources.iter().any(|given| fits(*given, source)));
            if callers.is_empty() {
                continue;
            }
            let whom: Vec<&str> = callers.iter().map(|(_, whom)| whom.as_str()).collect();
            let text = format!(
                "no AWS::Lambda::Permission lets API Gateway call {} for {}; AWS would answer 500 there, here it works",
                function.name,
                whom.join(", ")
            );
            remarks.push(Fault::new(text, format!("Resources.{}", function.logical), function.place));
        }
        remarks
    }

    fn permissions(&self, order: &[&str]) -> Vec<Permission> {
        let references = self.known.with(&self.pseudo, self.wanted.template);
        let text = |resource: &Resource, name: &str| {
            let node = resource.properties.get(name)?;
            // What cannot be evaluated was told where it matters.
            let value = self.scope.evaluate(node, "", &references).ok()??;
            value.as_str().map(str::to_owned)
        };
        let all = order.iter().filter_map(|logical| self.template_resource(logical));
        let given = all.filter(|resource| resource.kind == "AWS::Lambda::Permission");
        let ours = given.filter(|resource| text(resource, "Principal").as_deref() == Some(PRINCIPAL));
        let permission = |resource: &Resource| {
            Some(Permission { function: text(resource, "FunctionName")?, source: text(resource, "SourceArn") })
        };
        ours.filter_map(permission).collect()
    }

    /// Who calls a function: the ARN that the caller has on AWS, and its name for people.
    fn callers(&self, order: &[&str], function: &str) -> Vec<(String, String)> {
        let text = |json: &Json, member: &str| json.get(member).and_then(Json::as_str).unwrap_or_default().to_owned();
        let is_called = |uri: &str| {
            let rest = uri.split_once(function).map(|(_, rest)| rest);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        };
        let of = |kind: &'static str| {
            let all = order.iter().filter_map(|logical| self.record.resources.get(*logical));
            all.filter(move |resource| resource.kind == kind)
        };
        let api_of = |path: &str| path.split('/').nth(3).unwrap_or_default().to_owned();
        let arn = |api: &str, rest: &str| {
            let crate::scope::Pseudo { partition, region, account, .. } = &self.pseudo;
            format!("arn:{partition}:execute-api:{region}:{account}:{api}/{rest}")
        };
        let mut callers = Vec::new();
        let needs = |body: &Json, uri: &str| is_called(&text(body, uri)) && text(body, "credentialsArn").is_empty();
        for integration in of("AWS::ApiGatewayV2::Integration").filter(|one| needs(&one.body, "integrationUri")) {
            let target = format!("integrations/{}", integration.physical);
            for route in of("AWS::ApiGatewayV2::Route").filter(|route| text(&route.body, "target") == target) {
                let api = api_of(&route.path);
                let stage = self.stages.iter().find(|(id, _)| *id == api).map_or("stage", |(_, stage)| stage);
                let key = text(&route.body, "routeKey");
                callers.push((arn(&api, &format!("{stage}/{key}")), format!("route {key}")));
            }
        }
        for authorizer in of("AWS::ApiGatewayV2::Authorizer") {
            if is_called(&text(&authorizer.body, "authorizerUri"))
                && text(&authorizer.body, "authorizerCredentialsArn").is_empty()
            {
                let source = arn(&api_of(&authorizer.path), &format!("authorizers/{}", authorizer.physical));
                callers.push((source, format!("authorizer {}", authorizer.label)));
            }
        }
        callers
    }
}

/// The part of an ARN behind the account: a template for one Region is tried in another.
fn resource(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

/// Whether a text fits a pattern of `*` (any text, slashes too) and `?` (one character), as ARNs in permissions are compared.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn arns_are_compared_as_in_permissions() {
        for (pattern, text, fits) in [
            ("arn:x:api/*$connect", "arn:x:api/prod/$connect", true),
            ("arn:x:api/*/*", "arn:x:api/prod/join", true),
            ("arn:x:api/prod/join", "arn:x:api/prod/join", true),
            ("arn:x:api/prod/join", "arn:x:api/prod/leave", false),
            ("arn:x:api/authorizers/*", "arn:x:api/prod/join", false),
            ("*", "anything", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
        ] {
            assert_eq!(is_like(pattern, text), fits, "{pattern} {text}");
        }
    }
}
